"""How the server says no: every error in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`, with its HTTP status.

What the asker can mend is a 4xx; a model that cannot answer, or a server that ends, is a 503. Source: OpenAI's API reference, "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from onward.errors import ChatError, OnwardError, PlanError, TokenizerError


class Detail(TypedDict):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(TypedDict):
    error: Detail


class Refused(OnwardError):
    """A request that is not answered.   param: the field that is to blame.   code: for programs, in OpenAI's words where it has one."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code
        self.headers = headers or {}


def wrong(param: str, message: str, code: str | None = None) -> Refused:
    """A field that cannot be used."""
    return Refused(400, message, param=param, code=code)


def refusal(error: Exception) -> Refused:
    """Any error as a refusal."""
    match error:
        case Refused():
            return error
        case PlanError() | ChatError() | TokenizerError():
            return Refused(400, str(error))
        case OnwardError():
            return Refused(503, str(error), code="model_failed")
        case RequestValidationError():
            return _invalid(error.errors())
        case HTTPException():
            return Refused(error.status_code, _words(error), headers=error.headers)
        case _:
            return Refused(500, f"a fault of the server's own ({type(error).__name__}). Its log says more.")


def body(refused: Refused) -> ErrorBody:
    kind = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 504: "timeout_error"}
    usual = "invalid_request_error" if refused.status < 500 else "server_error"
    message = str(refused).encode(errors="backslashreplace").decode()  # half a character has no UTF-8
    return {
        "error": {
            "message": message,
            "type": kind.get(refused.status, usual),
            "param": refused.param,
            "code": refused.code,
        }
    }


def response(refused: Refused) -> JSONResponse:
    return JSONResponse(body(refused), refused.status, refused.headers)


async def handle(_: Request, error: Exception) -> JSONResponse:
    """For FastAPI: what goes wrong in a route or before it."""
    return response(refusal(error))


def _words(error: HTTPException) -> str:
    match error.status_code:
        case 404:
            return "there is nothing at this address. The addresses are listed at /docs."
        case 405:
            return "this address takes another method. /docs lists them."
        case 400:
            return "the body is no JSON that can be read."
        case _:
            return str(error.detail)


def _invalid(errors: Sequence[Any]) -> Refused:
    """One of the faults that pydantic has found, with the field's name. Where a field may be of several kinds there is a fault for each:
    the one that lies deepest is of the kind that was meant."""
    field = errors[0]["loc"][:2]
    faults = [error for error in errors if error["loc"][:2] == field]
    fault = max(faults, key=lambda error: (len(error["loc"]), not error["type"].endswith("_type")))
    path = ".".join(str(part) for part in fault["loc"][1:] if not _is_kind(part))
    path = path.encode(errors="backslashreplace").decode()
    if fault["type"] == "json_invalid":
        return Refused(400, f"the body is no JSON ({fault['ctx']['error']}).")
    if fault["type"] == "extra_forbidden":
        return wrong(path, f"there is no field {path!r} here. Leave it out, or mend its name.", "unknown_parameter")
    if fault["type"] == "missing":
        return wrong(path, f"the field {path!r} is missing." if path else "the request has no JSON body.")
    return wrong(path, f"{path or 'the body'}: {fault['msg']}.")


def _is_kind(part: str | int) -> bool:
    """Whether a part of a path is the name that pydantic gives to one of several kinds."""
    return isinstance(part, str) and (part in ("str", "constrained-str") or "[" in part)
