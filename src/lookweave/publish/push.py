"""Pushing a publication to a hub, in one commit, through `huggingface_hub`.

Shards are sent one by one before the commit. A shard that the hub has already is not sent again,
and the same pairs give the same bytes, so an interrupted push goes on where it stopped. The commit
adds what is new and deletes the shards and lists that this version no longer has; a reader sees the
earlier version or this one, never a mixture. Files of others in the repository stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from lookweave.errors import InputError, PublishError
from lookweave.progress import Progress
from lookweave.publish.folder import (
    HELD_BACK,
    MARKER,
    is_published_name,
    left_by_programs,
    some,
)
from lookweave.publish.options import Options

_NEVER_PUSHED = frozenset({HELD_BACK})
_LARGE = frozenset({".parquet", ".tar"})


class HubRepository:
    """One data set on a hub.

    Args:
        repository: ``OWNER/NAME``.
        options: private, commit_message, forget_history.
    """

    def __init__(self, repository: str, options: Options) -> None:
        self._repository, self._options = repository, options
        # Read now and not when huggingface_hub was imported, so that a test can point it elsewhere.
        self._endpoint = os.environ.get("HF_ENDPOINT") or None
        self._api = HfApi(endpoint=self._endpoint)

    def check(self) -> None:
        """Make sure that there is a token and a repository that it may write to.

        Raises:
            PublishError: there is not, and what to do.
            InputError: the repository holds something else than a publication.
        """
        if not get_token():
            raise PublishError(
                f"No token for the hub: run `hf auth login` or set HF_TOKEN to one that may write "
                f"to {self._repository}."
            )
        with self._explain_errors("create or open the repository"):
            self._api.create_repo(
                self._repository,
                repo_type="dataset",
                private=self._options.private or None,
                exist_ok=True,
            )
        names = self._files()
        # A card alone is what the hub itself makes for a new data set.
        others = sorted(
            name for name in names if not left_by_programs(name) and name != "README.md"
        )
        if others and MARKER not in names:
            raise InputError(
                f"{self._repository} is not empty and no earlier publication (it holds "
                f"{some(others)}): name a new data set."
            )

    def push(
        self, folder: Path, progress: Progress, *, before_commit: Callable[[], None]
    ) -> dict[str, Any]:
        """Make the publication in the repository equal to `folder`.

        Args:
            before_commit: called when every shard is there and no reader sees one yet; what it
                raises ends the push.

        Raises:
            PublishError: it could not be pushed; nothing that readers see has changed.
        """
        names = sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )
        additions = [
            CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name)
            for name in names
            if name not in _NEVER_PUSHED
        ]
        before = self._files()
        earlier = (
            {name for name in before if is_published_name(name)} if MARKER in before else set()
        )
        gone = sorted(earlier - {one.path_in_repo for one in additions})
        deletions = [CommitOperationDelete(path_in_repo=name) for name in gone]
        progress.start("push", len(additions), "files")
        with _hide_its_bars():
            for addition in additions:
                if Path(addition.path_in_repo).suffix in _LARGE:
                    with self._explain_errors(f"upload {addition.path_in_repo}"):
                        self._api.preupload_lfs_files(
                            self._repository, [addition], repo_type="dataset", free_memory=False
                        )
                progress.advance(1)
            before_commit()
            with self._explain_errors("commit the files"):
                commit = self._api.create_commit(
                    self._repository,
                    [*deletions, *additions],
                    commit_message=self._options.commit_message,
                    repo_type="dataset",
                )
        if self._options.forget_history:
            self._forget()
        progress.end(f", {len(gone)} removed" if gone else "")
        pushed = {
            "commit": commit.commit_url,
            "pushed_files": len(additions),
            "removed_files": len(gone),
        }
        return pushed | self._advice(MARKER in before)

    def _files(self) -> set[str]:
        with self._explain_errors("list what is published"):
            return set(self._api.list_repo_files(self._repository, repo_type="dataset"))

    def _advice(self, published_before: bool) -> dict[str, str]:
        if not published_before or self._options.forget_history:
            return {}
        return {
            "advice": "Earlier versions can still be read from the repository's history. Where "
            "photos were taken down since, publish with --forget-history."
        }

    def _forget(self) -> None:
        """Leave one commit, and remove the files that only the others had."""
        with self._explain_errors("squash the history"):
            self._api.super_squash_history(self._repository, repo_type="dataset")
        with self._explain_errors("remove the files of earlier versions"):
            info = self._api.dataset_info(self._repository, files_metadata=True)
            live = {file.lfs.sha256 for file in info.siblings or [] if file.lfs}
            stored = self._api.list_lfs_files(self._repository, repo_type="dataset")
            if dead := [file for file in stored if file.oid not in live]:
                self._api.permanently_delete_lfs_files(
                    self._repository, dead, repo_type="dataset", rewrite_history=False
                )

    @contextmanager
    def _explain_errors(self, what: str) -> Iterator[None]:
        """Turn whatever the client raises into a sentence that says what to do."""
        try:
            yield
        except LocalTokenNotFoundError as error:
            raise PublishError(
                f"Could not {what}: no token. Run `hf auth login` or set HF_TOKEN."
            ) from error
        except OfflineModeIsEnabled as error:
            raise PublishError(
                f"Could not {what}: HF_HUB_OFFLINE is set. Unset it to push to a hub."
            ) from error
        except HFValidationError as error:
            raise PublishError(
                f"Could not {what}: {self._repository} is no name that the hub accepts ({error})."
            ) from error
        except RepositoryNotFoundError as error:
            raise PublishError(
                f"Could not {what}: {self._repository} is not there, or the token may not see it. "
                "Check the name and the token's rights."
            ) from error
        except HfHubHTTPError as error:
            raise PublishError(self._refusal(what, error)) from error
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error.__cause__, HfHubHTTPError):  # of one of several uploads
                raise PublishError(self._refusal(what, error.__cause__)) from error
            raise PublishError(
                f"Could not {what} at {self._address()}: {_brief(error)}. {_TRY_AGAIN}"
            ) from error
        except Exception as error:
            # The client passes on whatever its HTTP library raises, and that has changed.
            if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "urllib3")):
                raise
            raise PublishError(
                f"Could not {what}: {self._address()} is not to be reached ({_brief(error)}). "
                f"Check the network. {_TRY_AGAIN}"
            ) from error

    def _refusal(self, what: str, error: HfHubHTTPError) -> str:
        status = error.response.status_code if error.response is not None else 0
        said = getattr(error, "server_message", None) or _brief(error)
        if status == 401:
            advice = "The token is wrong or has expired: run `hf auth login`."
        elif status == 403:
            advice = f"The token may not write to {self._repository}: use one that may."
        elif status in (402, 413, 507):
            advice = "The account's storage is full or a file too large: see the hub's limits."
        else:
            advice = _TRY_AGAIN
        return f"Could not {what}: {self._address()} answered {status} ({said}). {advice}"

    def _address(self) -> str:
        return self._endpoint or self._api.endpoint


@contextmanager
def _hide_its_bars() -> Iterator[None]:
    """The client draws one bar a file, across ours."""
    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


_TRY_AGAIN = "Run the same command again: what was uploaded is not sent twice."


def _brief(error: BaseException) -> str:
    cause = error.__cause__
    text = " ".join(str(error).split()) or type(error).__name__
    if cause is not None and str(cause) not in text:
        text += f": {' '.join(str(cause).split())}"
    return text[:300]
