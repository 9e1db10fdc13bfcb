//! The vendors' own APIs: their SDKs work here with nothing changed but the endpoint.
//!
//! | module | speaks |
//! |---|---|
//! | `metastudio` | Huawei `MetaStudio`: `/v1/{project_id}/…` |
//! | `alibaba` | Alibaba `ApsaraVideo` Live: RPC of 2016-11-01 |
//! | `jocloud` | Jocloud: `/app/{appid}/v2/rtmpforward/…` |
//! | `managed` | callback addresses that these configure, as endpoints and subscriptions |
//! | `masked` | documents without their secrets |
//! | `signed` | whose a signed request is |
//! | `tasks` | relay tasks, handed to the fleet |
//! | `stored` | what these configure, read from and written to the tenant |

pub(crate) mod alibaba;
pub(crate) mod jocloud;
pub(crate) mod managed;
mod masked;
pub(crate) mod metastudio;
pub(crate) mod signed;
pub(crate) mod stored;
pub(crate) mod tasks;
