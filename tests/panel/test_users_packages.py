"""Manage Users: packages and feature lists."""

from __future__ import annotations

import pytest

import models
from jobs.wiring import features
from tests.panel import seed
from tests.panel.browser import Browser

LIST = {"autossl": "1", "service_names": "webmail\nwebdisk", "wildcard": "1", "key_type": "ecdsa-p384"}


@pytest.fixture
def root(browser: Browser) -> Browser:
    browser.sign_in()
    return browser


def lists() -> dict[str, dict]:
    return {one["feature_list"]: one for one in features.list_feature_lists()}


def test_a_feature_list_is_made_changed_named_by_a_package_and_removed(root: Browser) -> None:
    assert root.post("/feature-lists/add", name="shops", **LIST).status_code == 303
    assert lists()["shops"] == {
        "feature_list": "shops", "autossl": True, "service_names": ["webmail", "webdisk"], "wildcard": True,
        "key_type": "ecdsa-p384", "packages": [],
    }
    assert "The feature list shops is made." in root.get("/feature-lists").text
    page = root.get("/feature-list/shops").text
    assert "webmail\nwebdisk" in page and '<option value="ecdsa-p384" selected>' in page
    root.post("/feature-list/shops", usual_names="1", key_type="")
    assert (lists()["shops"]["autossl"], lists()["shops"]["service_names"]) == (False, None)
    root.post("/feature-list/shops", service_names="")
    assert lists()["shops"]["service_names"] == []
    assert root.post("/packages/add", name="gold", feature_list="shops").status_code == 303
    refused = root.post("/feature-list/shops/remove")
    assert refused.status_code == 422 and "a package names it" in refused.text
    assert root.post("/package/gold", feature_list="default").status_code == 303
    assert root.post("/feature-list/shops/remove").status_code == 303
    assert "shops" not in lists()
    actions = [row.action for row in models.AuditEntry.select().order_by(models.AuditEntry.id)]
    assert {"features.add", "features.change", "features.remove", "package.add", "package.change"} <= set(actions)


def test_a_package_shows_its_accounts_and_is_removed_only_without_any(root: Browser) -> None:
    seed.accounts(3)
    features.keep_package("gold", "default")
    models.Account.update(package="gold").where(models.Account.name == "user00001").execute()
    text = root.get("/packages").text
    assert 'href="/users?package=gold">1</a>' in text and 'href="/users?package=default">2</a>' in text
    refused = root.post("/package/gold/remove")
    assert refused.status_code == 422 and "accounts have it" in refused.text
    models.Account.update(package="default").execute()
    assert root.post("/package/gold/remove").status_code == 303
    assert root.post("/package/default/remove").status_code == 422
    assert [one["package"] for one in features.list_packages()] == ["default"]


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/packages/add", {"name": "", "feature_list": "default"}, "Expected letters, digits"),
        ("/packages/add", {"name": "a b", "feature_list": "default"}, "Expected letters, digits"),
        ("/packages/add", {"name": "x" * 65, "feature_list": "default"}, "at most 64 characters"),
        ("/packages/add", {"name": "default", "feature_list": "default"}, "There is a package of that name already."),
        ("/packages/add", {"name": "gold", "feature_list": "nothing"}, "There is no such feature list."),
        ("/package/default", {"feature_list": ""}, "There is no such feature list."),
        ("/feature-lists/add", {"name": "<b>"}, "Expected letters, digits"),
        ("/feature-lists/add", {"name": "default"}, "There is a feature list of that name already."),
        ("/feature-lists/add", {"name": "x", "service_names": "a.b"}, "without a dot"),
        ("/feature-lists/add", {"name": "x", "service_names": " ".join(f"a{n}" for n in range(31))}, "at most 30"),
        ("/feature-list/default", {"key_type": "dsa"}, "one of"),
    ],
)
def test_bad_input_changes_nothing_and_stands_beside_its_field(
    root: Browser, path: str, form: dict[str, str], said: str
) -> None:
    before = (features.list_packages(), features.list_feature_lists())
    answer = root.post(path, **form)
    assert answer.status_code == 422
    assert said in answer.text and 'class="wrong"' in answer.text and "<b>" not in answer.text
    assert (features.list_packages(), features.list_feature_lists()) == before


@pytest.mark.parametrize("path", ["/package/nothing", "/feature-list/nothing"])
def test_what_is_not_there_is_not_found(root: Browser, path: str) -> None:
    assert root.get(path).status_code == 404
    assert root.post(path, feature_list="default").status_code == 404
    assert root.post(f"{path}/remove").status_code == 404
