//! Cancelling uploads at a registry (distribution specification, "Cancel an upload").

use std::time::Duration;

use url::Url;

use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::needs::Needs;
use crate::request::Request;
use crate::sessions::OpenSession;
use crate::transport::Method;

/// The longest time that cancelling an upload may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Connection {
    /// Cancels an upload where one is open.
    pub(crate) async fn cancel(&self, session: &OpenSession) {
        if let Some((url, needs)) = session.take() {
            self.cancel_at(url, needs).await;
        }
    }

    /// Cancels the uploads that nobody goes on with.
    pub(crate) async fn cancel_abandoned(&self) {
        let abandoned = self.sessions.take_abandoned().into_iter();
        let cancels = abandoned.map(|(url, needs)| self.cancel_at(url, needs));
        futures_util::future::join_all(cancels).await;
    }

    async fn cancel_at(&self, url: Url, needs: Needs) {
        let request = Request::new(Method::DELETE, url, needs)
            .led(true)
            .sent_once();
        let answer = self.exchange(&request, Deadline::after(PATIENCE)).await;
        tracing::debug!(
            status = answer.ok().map(|answer| answer.status),
            "cancelled an upload"
        );
    }
}
