//! How long processors have worked for this process, and for those that it started and that have ended.

use anyhow::Context as _;

/// So many in a second: the unit of `/proc` on Linux, on every machine.
const TICKS: f64 = 100.0;

/// A moment, measured in the work of processors.
pub struct CpuTime(u64);

impl CpuTime {
    /// Until now.
    ///
    /// # Errors
    /// The system does not say.
    pub fn now() -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The second field is a name in brackets that may hold anything. From behind it, these are the
        // 12th to 15th: our own work, in our code and in the kernel's, and that of our children.
        let fields = stat
            .rsplit_once(')')
            .context("no name")?
            .1
            .split_whitespace();
        let ticks = fields.skip(11).take(4).map(str::parse::<u64>);
        Ok(Self(ticks.sum::<Result<u64, _>>()?))
    }

    /// Seconds from then to now.
    ///
    /// # Errors
    /// The system does not say.
    pub fn seconds_since(&self) -> anyhow::Result<f64> {
        Ok((Self::now()?.0 - self.0) as f64 / TICKS)
    }
}
