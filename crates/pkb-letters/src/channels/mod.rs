//! The channels by which patients are invited: a folder for each, which knows who can be reached by it, what its files are,
//! and how they are made. The stage goes over `all` and knows no single one. `sequencer` keeps batches in their order where a channel
//! needs it.

pub(crate) mod choice;
pub mod data;
pub(crate) mod format;
pub mod letter;
pub(crate) mod maker;
mod sequencer;
pub mod sms;

use std::sync::Arc;

use pkb_core::Fatal;

use maker::{DeliveryMaker, Setup};

/// What makes the deliveries of each channel: the list of channels.
///
/// # Errors
/// One of them cannot begin.
pub(crate) fn all(setup: &Setup<'_>) -> Result<Vec<Arc<dyn DeliveryMaker>>, Fatal> {
    Ok(vec![
        Arc::new(letter::LetterMaker::new(setup)?),
        Arc::new(sms::SmsMaker::new(setup)?),
        Arc::new(data::DataMaker::new(setup)?),
        Arc::new(format::FormatMaker::new(setup)),
    ])
}
