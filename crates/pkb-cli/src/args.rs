//! Arguments that the stages share.

mod duration;
mod headings;
mod notify;
mod one_of;
mod pkb;
mod progress;
mod stream;

pub use duration::parse_duration;
pub use headings::{ONCE, STREAM};
pub use notify::{NotifyArgs, NotifyKeyArgs};
pub use one_of::one_of;
pub use pkb::{Api, ApiArgs, ConcurrencyArgs, PkbArgs};
pub use progress::{ProgressArgs, When};
pub use stream::{ClockArgs, InputArgs, StreamArgs, usual_journal};
