"""The matrix of edge cases with the newest evidence for each."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from validation import edge_cases
from validation.edge_cases import Coverage
from validation.scenarios import catalogue

TONES = {Coverage.FULL: "ok", Coverage.PARTIAL: "warn", Coverage.MANUAL: "info"}


def page(request: HttpRequest) -> HttpResponse:
    """All cases: what is expected, what speaks for it, how well it is covered."""
    lines = edge_cases.matrix(catalogue.load().all(), edge_cases.newest_attempts())
    rows = [{"line": line, "tone": TONES.get(line.coverage, "bad")} for line in lines]
    tally = [(state, sum(line.coverage == state for line in lines)) for state in Coverage]
    return render(request, "validation/edge_cases.html", {"rows": rows, "tally": tally})
