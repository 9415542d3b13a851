"""The measures of an installation as Prometheus reads them.

Names and help are an interface: alerts of administrators are written against them. Labels are of this program's own
words, of its plug-ins and of its providers; never of accounts, websites or names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.wiring.measures import Certificates, Measures

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values by their labels."""


def registry(measures: Measures) -> CollectorRegistry:
    """Of one answer: the installation's figures, and those of this process as every Prometheus client has them."""
    made = CollectorRegistry()
    made.register(Figures(measures))
    ProcessCollector(registry=made)
    return made


class Figures(Collector):
    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        measures = self._measures
        yield InfoMetricFamily("autossl_build", "The version that runs.", {"version": version("autossl-panel")})
        yield from _inventory(measures)
        yield from _ends(measures.certificates)
        yield from _work(measures)
        yield from _providers(measures)
        yield from _times(measures)


def _inventory(measures: Measures) -> Iterator[Metric]:
    yield _one("autossl_accounts", "Accounts.", measures.accounts)
    yield _one("autossl_websites", "Websites.", measures.websites)
    yield _many(
        "autossl_names", "Names that a certificate should cover, covered or missing as of the last check; and those"
        " that are excluded.", ("state",), (((state,), number) for state, number in measures.names.items()))
    yield _many(
        "autossl_problems", "What somebody should look at, by the code of the catalogue.", ("code", "severity"),
        measures.problems.items())
    yield _many("autossl_services_serving", "Websites whose installed certificate the service was seen to present.",
                ("service",), (((one.name,), one.served) for one in measures.services))
    yield _many("autossl_services_not_serving", "Websites for which the service does not present what it should.",
                ("service",), (((one.name,), one.failed) for one in measures.services))


def _ends(certificates: Certificates) -> Iterator[Metric]:
    yield _one("autossl_certificates", "Certificates in use that were ordered here.", certificates.live)
    yield _many(
        "autossl_certificates_expiring", "Certificates that have to be renewed here and end within so many days.",
        ("days",), (((str(days),), number) for days, number in certificates.ending.items()))
    yield _one(
        "autossl_certificates_near_end", "Those of them that end within 7 days or a tenth of their lifetime, whichever"
        " is shorter.", certificates.near_end)
    yield _one("autossl_certificates_expired", "Those of them that have ended.", certificates.over)
    yield _time("autossl_certificate_soonest_expiry_timestamp_seconds", "When the first of them ends, or has ended.",
                certificates.soonest)


def _work(measures: Measures) -> Iterator[Metric]:
    yield _many("autossl_queue_entries", "Pending checks and orders.", ("kind", "state"), measures.queue.items())
    yield _one("autossl_queue_oldest_seconds", "For how long the oldest pending work could have been done.",
               measures.overdue.total_seconds())
    yield _many(
        "autossl_last_check_timestamp_seconds", "When the last check of all accounts with this result ended.",
        ("result",), (((one.result,), one.finished.timestamp()) for one in measures.checks))
    last = max(measures.checks, key=lambda one: one.finished, default=None)
    yield _some("autossl_check_duration_seconds", "How long the last check of all accounts took.",
                None if last is None else last.seconds)
    orders = CounterMetricFamily(
        "autossl_orders", "Orders that ended with a certificate (done) or without (failed).",
        labels=("provider", "result"))
    for key, number in measures.orders.items():
        orders.add_metric(key, number)
    yield orders
    yield _one("autossl_messages_waiting", "Messages that are to be sent.", measures.messages["waiting"])
    yield _one("autossl_messages_given_up", "Messages that could not be sent, as long as they are kept.",
               measures.messages["failed"])


def _providers(measures: Measures) -> Iterator[Metric]:
    providers = measures.providers
    yield _many("autossl_provider_current", "Whether certificates are ordered from this CA.", ("provider",),
                (((one.name,), one.current) for one in providers))
    yield _many("autossl_provider_paused", "Whether the CA is left in peace now, for it failed or said so.",
                ("provider",), (((one.name,), one.paused) for one in providers))
    left = (((one.name,), one.orders_left) for one in providers if one.orders_left is not None)
    yield _many("autossl_provider_orders_left", "New orders that the CA's own limit leaves now.", ("provider",), left)


def _times(measures: Measures) -> Iterator[Metric]:
    yield _time("autossl_clock_last_tick_timestamp_seconds", "When the panel last did all that has a date.",
                measures.ticked)
    made = (("database", measures.copied), ("whole", measures.backed_up))
    yield _many(
        "autossl_backup_last_timestamp_seconds", "When the database was copied last, and a whole backup made.",
        ("kind",), (((kind,), moment.timestamp()) for kind, moment in made if moment is not None))


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value)


def _some(name: str, words: str, value: float | None) -> Metric:
    """Without a sample where there is no value yet."""
    return GaugeMetricFamily(name, words) if value is None else _one(name, words, value)


def _time(name: str, words: str, moment: datetime | None) -> Metric:
    return _some(name, words, None if moment is None else moment.timestamp())


def _many(name: str, words: str, labels: tuple[str, ...], values: Samples) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
