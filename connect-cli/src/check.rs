//! `rocketmq-connect check`: all faults in one list, before the first row.
use crate::{
    args::{Output, RunArgs},
    compose,
    exit::Exit,
    output, run,
};
use connect_api::Result;
use connect_runtime::ConnectorReport;
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Report {
    ok: bool,
    /// Keys of the worker file without effect, and what else is worth knowing of it.
    notes: Vec<String>,
    /// Why the worker's directory cannot be used.
    store_faults: Vec<String>,
    /// Why no messages can be sent or received.
    transport_fault: Option<String>,
    connectors: Vec<ConnectorReport>,
}

/// Checks files, databases, tables, columns, privileges and topics; moves nothing.
pub(crate) async fn check(args: RunArgs) -> Result<Exit> {
    let (file, connectors) = run::read(&args)?;
    let registry = compose::registry();
    let store = connect_runtime::check_store(&file.config);
    let (transport_fault, connectors) = match compose::transport(&file.config).await {
        Ok(transport) => {
            let reports =
                connect_runtime::check(&registry, &file.config, Some(&*transport), &connectors)
                    .await;
            transport.close(Duration::from_secs(5)).await;
            (None, reports)
        }
        Err(error) => {
            let reports = connect_runtime::check(&registry, &file.config, None, &connectors).await;
            (Some(error.report()), reports)
        }
    };
    let ok = transport_fault.is_none()
        && store.faults.is_empty()
        && connectors.iter().all(|c| c.faults.is_empty());
    let report = Report {
        ok,
        notes: file.notes.into_iter().chain(store.notes).collect(),
        store_faults: store.faults,
        transport_fault,
        connectors,
    };
    match args.output {
        Output::Json => output::print_json(&report)?,
        Output::Text => print(&report)?,
    }
    Ok(if ok { Exit::Success } else { Exit::Config })
}

fn print(report: &Report) -> Result<()> {
    for note in &report.notes {
        output::print(&format!("note: worker: {note}"))?;
    }
    for fault in &report.store_faults {
        output::print(&format!("fault: worker: {fault}"))?;
    }
    if let Some(fault) = &report.transport_fault {
        output::print(&format!("fault: transport: {fault}"))?;
    }
    for connector in &report.connectors {
        let name = &connector.connector;
        for note in &connector.notes {
            output::print(&format!("note: {name}: {note}"))?;
        }
        for fault in connector.faults.iter() {
            output::print(&format!("fault: {name}: {fault}"))?;
        }
        if connector.faults.is_empty() {
            output::print(&format!("ok: {name}"))?;
        }
    }
    Ok(())
}
