"""The guideline's page and its API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.review.guideline import LONGEST
from lookweave.web.desk import Reviewer, TheSite
from lookweave.web.pages import own_form, page

router = APIRouter()

Version = Annotated[int, Form(ge=1, lt=1 << 31)]


class Written(BaseModel):
    """A new version."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=LONGEST)
    after: int = Field(ge=1, lt=1 << 31, description="the version that was changed")


@router.get("/review/guideline", include_in_schema=False)
def guideline_page(request: Request, site: TheSite) -> Response:
    """What reviewers answer by, and every earlier version."""
    writes = request.app.state.rights.find("POST", "/review/guideline")
    may = writes is not None and request.state.who.may(writes.role)
    versions = site.guidelines.all()
    return page(
        request, "guideline.html", "review", versions=versions, may_write=may, draft="", wrong=""
    )


@router.post("/review/guideline", include_in_schema=False, dependencies=[Depends(own_form)])
def write_by_form(
    request: Request, site: TheSite, who: Reviewer, after: Version,
    text: Annotated[str, Form(max_length=2 * LONGEST)],
) -> Response:  # fmt: skip
    """Add a version."""
    try:
        site.guidelines.write(text.replace("\r\n", "\n"), who, after=after)
    except InputError as error:
        # What was written stays in sight, beside the version that came between.
        return page(
            request, "guideline.html", "review", status=422, versions=site.guidelines.all(),
            may_write=True, draft=text, wrong=str(error),
        )  # fmt: skip
    return RedirectResponse("/review/guideline", 303)


@router.get("/api/v1/guideline", tags=["review"])
def read_guideline(site: TheSite) -> dict[str, Any]:
    """Every version, the newest first."""
    return {"versions": [one.to_dict() for one in site.guidelines.all()]}


@router.post("/api/v1/guideline", status_code=201, tags=["review"])
def write_guideline(written: Written, site: TheSite, who: Reviewer) -> dict[str, Any]:
    """Add a version."""
    return site.guidelines.write(written.text, who, after=written.after).to_dict()
