//! Name servers: which brokers there are, and where a topic's queues lie.
use super::{
    RocketMqOptions,
    error_codes::code,
    groups::Groups,
    link::{Answer, Link, Links},
    request::Request,
    topic,
};
use crate::Queue;
use connect_api::{Error, ErrorKind, Result};
use rocketmq_protocol::protocol::{
    body::broker_body::cluster_info::ClusterInfo,
    route::{route_data_view::BrokerData, topic_route_data::TopicRouteData},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub(super) const READABLE: u32 = 4;
pub(super) const WRITABLE: u32 = 2;
/// The id of a broker that can be written to.
const MASTER: u64 = 0;

/// The name servers, and the addresses of brokers as they reported them.
#[derive(Debug)]
pub(super) struct Routes {
    pub(super) links: Links,
    pub(super) name_servers: Box<[String]>,
    /// The one that answered last.
    current: AtomicUsize,
    cluster: Option<String>,
    timeout: Duration,
    /// Where masters are, by the broker's name.
    brokers: Mutex<HashMap<Arc<str>, Place>>,
}

/// Where a broker is.
#[derive(Debug, Clone)]
struct Place {
    address: Arc<str>,
    /// A request failed there: the name servers are to be asked first.
    doubtful: bool,
}

impl Routes {
    pub(super) fn new(options: &RocketMqOptions, groups: Arc<Groups>) -> Result<Self> {
        Ok(Self {
            links: Links::new(options, groups)?,
            name_servers: options.name_servers.clone().into(),
            current: AtomicUsize::new(0),
            cluster: options.cluster.clone(),
            timeout: options.request_timeout,
            brokers: Mutex::default(),
        })
    }

    /// Asks one name server after the other, until one answers.
    pub(super) async fn ask(
        &self,
        what: &str,
        request: impl Fn() -> Request,
    ) -> Result<(Arc<Link>, Answer)> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failed: Option<Error> = None;
        for turn in 0..self.name_servers.len() {
            let server = (first + turn) % self.name_servers.len();
            let link = self.links.to(&self.name_servers[server])?;
            let subject = format!("{what}, of the name server");
            match link.ask(&subject, request(), self.timeout).await {
                Ok(answer) => {
                    self.current.store(server, Ordering::Relaxed);
                    return Ok((link, answer));
                }
                Err(error) => {
                    failed = Some(match failed {
                        Some(earlier) => error.context(earlier),
                        None => error,
                    });
                }
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(ErrorKind::Config, "no name server is given")))
    }

    /// The brokers of the cluster, masters and others; and the link to the name server that
    /// reported them.
    ///
    /// # Errors
    /// `Connect`: no name server answers.
    pub(super) async fn members(&self) -> Result<(Arc<Link>, Vec<BrokerData>)> {
        let what = "brokers of the cluster";
        let (link, answer) = self.ask(what, Request::cluster).await?;
        if answer.code != code::SUCCESS {
            return Err(link.refused(&what, &answer));
        }
        let info = ClusterInfo::decode(&answer.into_body())
            .map_err(|source| unreadable(what, &link).with_source(source))?;
        let brokers = info.broker_addr_table.unwrap_or_default().into_values();
        let ours = |broker: &BrokerData| {
            let cluster = self.cluster.as_deref();
            cluster.is_none_or(|c| c == broker.cluster())
        };
        Ok((link, brokers.filter(ours).collect()))
    }

    /// The masters of the cluster, by name, in order.
    ///
    /// # Errors
    /// `Connect`: no name server answers, or no broker is there.
    pub(super) async fn masters(&self) -> Result<BTreeMap<Arc<str>, Arc<str>>> {
        let (link, brokers) = self.members().await?;
        let masters: BTreeMap<_, _> = brokers.iter().filter_map(master).collect();
        if masters.is_empty() {
            let cluster = self
                .cluster
                .as_deref()
                .map(|c| format!(" of cluster {c:?}"));
            return Err(Error::new(
                ErrorKind::Connect,
                format!(
                    "the name server at {} knows no broker{} that can be written to",
                    link.address(),
                    cluster.unwrap_or_default()
                ),
            ));
        }
        self.remember(masters.clone());
        Ok(masters)
    }

    /// Where `topic` is; `None` where there is no such topic, or its brokers are all away.
    pub(super) async fn route(&self, topic: &str) -> Result<Option<TopicRouteData>> {
        let what = format!("topic {topic:?}");
        let (link, answer) = self.ask(&what, || Request::route(topic)).await?;
        match answer.code {
            code::SUCCESS => {}
            code::TOPIC_NOT_EXIST => return Ok(None),
            _ => return Err(link.refused(&what, &answer)),
        }
        TopicRouteData::decode(&answer.into_body())
            .map(Some)
            .map_err(|source| unreadable(&what, &link).with_source(source))
    }

    /// The queues of `topic` by the names of brokers and by ids; empty where there is no such
    /// topic, or where its brokers are all away.
    pub(super) async fn queues(&self, topic: &str) -> Result<Vec<Queue>> {
        let Some(route) = self.route(topic).await? else {
            return Ok(Vec::new());
        };
        let masters: BTreeMap<_, _> = route.broker_datas.iter().filter_map(master).collect();
        // Whichever way it was asked for: a sink knows a table by it.
        let topic: Arc<str> = topic::read(topic).into();
        let mut queues: Vec<_> = route
            .queue_datas
            .iter()
            .filter_map(|data| {
                // While a topic shrinks, messages are left in queues that are no longer
                // written to: all that can be read count.
                let count = match data.perm {
                    perm if perm & READABLE != 0 => data.read_queue_nums,
                    perm if perm & WRITABLE != 0 => data.write_queue_nums,
                    _ => 0,
                };
                let (broker, _) = masters.get_key_value(data.broker_name.as_str())?;
                Some((Arc::clone(broker), count))
            })
            .flat_map(|(broker, count)| {
                let topic = Arc::clone(&topic);
                (0..count).map(move |id| Queue {
                    topic: Arc::clone(&topic),
                    broker: Arc::clone(&broker),
                    id,
                })
            })
            .collect();
        queues.sort_unstable();
        self.remember(masters);
        Ok(queues)
    }

    /// The connection to the broker that holds `queue`.
    ///
    /// # Errors
    /// `Connect`: no name server answers, or the broker is away.
    pub(super) async fn broker_of(&self, queue: &Queue) -> Result<Arc<Link>> {
        let place = self.brokers().get(&queue.broker).cloned();
        if let Some(place) = place.as_ref().filter(|place| !place.doubtful) {
            return self.links.to(&place.address);
        }
        match (self.masters().await, place) {
            (Ok(masters), _) => match masters.get(&queue.broker) {
                Some(address) => self.links.to(address),
                None => Err(Error::new(
                    ErrorKind::Connect,
                    format!(
                        "{queue}: broker {:?} is away: no name server knows it",
                        queue.broker
                    ),
                )),
            },
            // Brokers work on while name servers are away.
            (Err(_), Some(place)) => self.links.to(&place.address),
            (Err(error), None) => Err(error.context(queue)),
        }
    }

    /// Asks a name server where `broker` is before the next request to it.
    pub(super) fn doubt(&self, broker: &str) {
        if let Some(place) = self.brokers().get_mut(broker) {
            place.doubtful = true;
        }
    }

    fn remember(&self, masters: BTreeMap<Arc<str>, Arc<str>>) {
        let places = masters.into_iter().map(|(broker, address)| {
            let doubtful = false;
            (broker, Place { address, doubtful })
        });
        self.brokers().extend(places);
    }

    fn brokers(&self) -> MutexGuard<'_, HashMap<Arc<str>, Place>> {
        self.brokers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A broker's name and address, where it has a master.
pub(super) fn master(broker: &BrokerData) -> Option<(Arc<str>, Arc<str>)> {
    let address = broker.broker_addrs().get(&MASTER)?;
    Some((
        broker.broker_name().as_str().into(),
        address.as_str().into(),
    ))
}

fn unreadable(what: &str, link: &Link) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{what}: the answer of the name server at {} is not understood; versions from 5.0 \
             are supported",
            link.address()
        ),
    )
}
