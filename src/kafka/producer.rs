//! stub
use super::JavaSettings;
use crate::plugin::{ConnectError, Result};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
pub struct Producer<T>(std::marker::PhantomData<T>);
pub struct Outgoing<'a> {
    pub topic: &'a str,
    pub partition: Option<i32>,
    pub timestamp_ms: Option<i64>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(Arc<str>, Option<Bytes>)],
}
pub enum Sent {
    Queued,
    Full,
}
impl<T: Send + Sync + 'static> Producer<T> {
    pub fn new(
        _s: &JavaSettings,
        _f: impl Fn(&Arc<T>, std::result::Result<(), ConnectError>) + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self(std::marker::PhantomData))
    }
    pub fn try_send(&self, _r: Outgoing<'_>, _t: &Arc<T>) -> Result<Sent> {
        Ok(Sent::Queued)
    }
    pub async fn wait_for_room(&self) {}
    pub async fn flush(&self, _l: Duration) -> bool {
        true
    }
}
