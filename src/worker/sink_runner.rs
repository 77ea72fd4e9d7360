//! stub
use super::supervisor::TaskStart;
use crate::plugin::{Result, SinkConnector};
use std::sync::Arc;
pub(super) struct SinkRun;
impl SinkRun {
    pub fn new(_start: TaskStart, _plugin: Arc<dyn SinkConnector>) -> Result<Self> {
        Ok(Self)
    }
    pub async fn run(self) -> Result<()> {
        Ok(())
    }
}
