//! The services of haat, as data. A new service is one crate and one line here.

use kit::ServiceDef;

use crate::console;

/// Every service; all of them run unless `--only` names some.
pub const SERVICES: &[ServiceDef] = &[
    identity::SERVICE,
    vendors::SERVICE,
    catalog::SERVICE,
    cart::SERVICE,
    sandbox::SERVICE,
    payments::SERVICE,
    orders::SERVICE,
    notifications::SERVICE,
    gateway::SERVICE,
    console::SERVICE,
];
