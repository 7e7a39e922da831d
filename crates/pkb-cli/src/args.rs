//! Arguments that the stages share.

mod headings;
mod nhs_notify;
mod notify;
mod one_of;
mod pence;
mod pkb;
mod progress;
mod stream;
mod through;
mod time;

pub use headings::{DAILY, EXCLUSIONS, NHS_NOTIFY, NOTIFY, ONCE, PKB, PKB_CALLS, RUN, STREAM};
pub use nhs_notify::NhsNotifyArgs;
pub use notify::{NotifyArgs, NotifyKeyArgs};
pub use one_of::one_of;
pub use pence::pence;
pub use pkb::{Api, ApiArgs, PkbArgs};
pub use progress::{ProgressArgs, When};
pub use stream::{ClockArgs, InputArgs, StreamArgs, usual_journal};
pub use through::ThroughArgs;
pub use time::{days, days_of_a_year, hours, minutes, seconds, timeout, whole_days};
