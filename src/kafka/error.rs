//! Turns librdkafka's errors into the kinds the runtime decides on.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::plugin::{ConnectError, ErrorKind};

/// What `what` ("write to topic 't'") failed with. The cause never shows configuration values.
pub(super) fn connect_error(what: impl Into<String>, error: &KafkaError) -> ConnectError {
    let cause = match error {
        // The display of this variant ends with the value, which may be a secret.
        KafkaError::ClientConfig(_, description, key, _) => format!("{description} (setting '{key}')"),
        other => match other.rdkafka_error_code() {
            Some(code) => describe(code),
            None => other.to_string(),
        },
    };
    let kind = match error.rdkafka_error_code() {
        Some(code) if is_retriable(code) => ErrorKind::Retriable,
        Some(_) => ErrorKind::Fatal,
        None => match error {
            KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) => ErrorKind::Config,
            _ => ErrorKind::Fatal,
        },
    };
    ConnectError::new(kind, what).caused_by(cause)
}

/// The same for a bare code, as topic-level admin results have it.
pub(super) fn code_error(what: impl Into<String>, code: RDKafkaErrorCode) -> ConnectError {
    let kind = if is_retriable(code) { ErrorKind::Retriable } else { ErrorKind::Fatal };
    ConnectError::new(kind, what).caused_by(describe(code))
}

fn describe(code: RDKafkaErrorCode) -> String {
    let advice = match code {
        RDKafkaErrorCode::TopicAuthorizationFailed => "; grant the principal of this client access to the topic",
        RDKafkaErrorCode::GroupAuthorizationFailed => "; grant the principal of this client access to the consumer group",
        RDKafkaErrorCode::ClusterAuthorizationFailed => "; grant the principal of this client the missing cluster right",
        RDKafkaErrorCode::MessageSizeTooLarge => {
            "; raise max.request.size of the producer and max.message.bytes of the topic, or send smaller records"
        }
        RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
            "; check sasl.mechanism and sasl.jaas.config"
        }
        RDKafkaErrorCode::SSL => "; check security.protocol and the ssl.* settings",
        RDKafkaErrorCode::InvalidRecord => "; records of a compacted topic need a key",
        RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
            "; create the topic or let the worker create it (topic.creation.*)"
        }
        RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve => {
            "; check bootstrap.servers and that the brokers are up"
        }
        _ => "",
    };
    format!("{code}{advice}")
}

/// The codes whose Java exceptions are RetriableException, and librdkafka's own ones for the same situations.
pub(super) fn is_retriable(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::QueueFull
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
            | Code::NodeUpdate
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
            | Code::InvalidMessage
            | Code::NotController
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::ThrottlingQuotaExceeded
            | Code::RebalanceInProgress
            | Code::Retry
            | Code::RebootstrapRequired
    )
}
