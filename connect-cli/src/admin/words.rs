//! Examples of the help; all stand in docs/administration.md, whose examples are run by a test.

pub(crate) const BROKERS: &str = "\
Examples:
  rocketmq-connect brokers
  rocketmq-connect brokers --worker worker.toml --json";

pub(crate) const TOPICS: &str = "\
Examples:
  rocketmq-connect topics list
  rocketmq-connect topics show shop-orders
  rocketmq-connect topics create shop-orders --queues 4
  rocketmq-connect topics change shop-orders --permission r
  rocketmq-connect topics delete shop-orders --yes";

pub(crate) const GROUPS: &str = "\
Examples:
  rocketmq-connect groups list --lag
  rocketmq-connect groups show connect-orders-sink
  rocketmq-connect groups reset connect-orders-sink shop-orders --to earliest --yes
  rocketmq-connect groups reset connect-orders-sink shop-orders --to 2h --yes";

pub(crate) const MESSAGES: &str = "\
Examples:
  rocketmq-connect messages find shop-orders --key 7
  rocketmq-connect messages find shop-orders --from 2h --limit 5 --body
  rocketmq-connect messages find shop-orders --id 7F00000100025CAE3BC64D2F80B00001 --json";

pub(crate) const ACL: &str = "\
Users and policies are those of access control 2.0 of RocketMQ 5.

Examples:
  rocketmq-connect acl users list
  rocketmq-connect acl users create orders --password '${env:ORDERS_PASSWORD}'
  rocketmq-connect acl policies grant User:orders Topic:shop-orders --actions Pub,Sub
  rocketmq-connect acl policies list --subject orders";
