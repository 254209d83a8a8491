//! `rocketmq-connect ddl`: what is to be created in databases.
use crate::{
    args::{DdlArgs, Output, RunArgs},
    compose,
    exit::Exit,
    output, run,
};
use connect_api::Result;

/// Prints the statements that create what connectors need; runs none of them.
pub(crate) async fn ddl(args: DdlArgs) -> Result<Exit> {
    let files = RunArgs {
        worker: args.worker,
        connectors: args.connectors,
        output: Output::Text,
    };
    let (file, connectors) = run::read(&files)?;
    let registry = compose::registry();
    for connector in &connectors {
        let script = connect_runtime::ddl(&registry, &file.config, connector).await?;
        if script.is_empty() {
            output::print(&format!("-- {}: nothing to create", connector.name))?;
        }
        for line in script {
            output::print(&line)?;
        }
    }
    Ok(Exit::Success)
}
