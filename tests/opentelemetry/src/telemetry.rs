use glance_sdk::axum::extract::Request;
use glance_sdk::axum::http::HeaderMap;
use glance_sdk::axum::middleware::Next;
use glance_sdk::axum::response::Response;
use metrics_exporter_opentelemetry::Recorder;
use opentelemetry::context::FutureExt;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What has to be sent before the program ends.
pub struct Telemetry {
    spans: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// Exports to the collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names, by default
    /// <http://localhost:4318>. Logs go to standard output as before.
    pub fn start(service: &'static str) -> Result<Self, Error> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let resource = Resource::builder().with_service_name(service).build();

        let spans = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(SpanExporter::builder().with_http().build()?)
            .build();
        // The SDK's spans are of the level DEBUG.
        let exported = tracing_opentelemetry::layer()
            .with_tracer(spans.tracer(service))
            .with_filter(EnvFilter::new("info,glance_sdk=debug"));
        let printed = tracing_subscriber::fmt::layer().with_filter(EnvFilter::new("info"));
        tracing_subscriber::registry()
            .with(exported)
            .with(printed)
            .try_init()?;

        let exporter = MetricExporter::builder().with_http().build()?;
        let (metrics, recorder) = Recorder::builder(service)
            .with_meter_provider(|provider| {
                provider
                    .with_resource(resource)
                    .with_periodic_exporter(exporter)
            })
            .build();
        metrics::set_global_recorder(recorder)?;
        Ok(Self { spans, metrics })
    }

    /// Sends what is left.
    pub fn end(self) -> Result<(), Error> {
        self.spans.shutdown()?;
        self.metrics.shutdown()?;
        Ok(())
    }
}

/// Makes the spans of a request children of the caller's span, if it sends a `traceparent`.
pub async fn continue_trace(request: Request, next: Next) -> Response {
    let headers = HeaderExtractor(request.headers());
    let caller = global::get_text_map_propagator(|propagator| propagator.extract(&headers));
    next.run(request).with_context(caller).await
}

/// Sends the current span along with a call of the host, as its `traceparent`.
pub fn pass_trace_on(headers: &mut HeaderMap) {
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(headers));
    });
}
