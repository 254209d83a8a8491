//! The connectors that a worker knows.
use connect_api::{Connector, DynConnector, Error, ErrorKind, Result};
use std::sync::Arc;

/// Connectors by name. A worker program fills it with what it is composed of.
#[derive(Clone, Default)]
pub struct Registry(Vec<Arc<dyn DynConnector>>);

impl Registry {
    /// Adds a connector.
    #[must_use]
    pub fn with(mut self, connector: impl Connector) -> Self {
        self.0.push(Arc::new(connector));
        self
    }

    /// The connectors, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn DynConnector>> {
        self.0.iter()
    }

    /// The connector that `class` names: its short name or one of its aliases.
    ///
    /// # Errors
    /// `Config`: none has this name; the message lists those there are.
    pub fn get(&self, class: &str) -> Result<&Arc<dyn DynConnector>> {
        let named = |c: &&Arc<dyn DynConnector>| c.name() == class || c.aliases().contains(&class);
        self.0.iter().find(named).ok_or_else(|| {
            let names: Vec<_> = self.0.iter().map(|c| c.name()).collect();
            Error::new(
                ErrorKind::Config,
                format!(
                    "`connector.class`: there is no connector `{class}`; there are {}",
                    names.join(", ")
                ),
            )
        })
    }
}
