"""What describes the open data to programs: the data package, the schema.org record and the description of the addresses.

All three are made from the columns and the filter form, so that they cannot say anything else than the files do.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Min
from django.http import QueryDict
from django.urls import reverse

from itsci_site.lib.exports import Column, plain, record
from programmes import exports as figures
from regions import exports
from regions.public import regions_at

from .data_form import DownloadForm, form

Absolute = Callable[[str], str]

TITLE = "Scaling Up ITSCI: figures by region and headline totals"
DESCRIPTION = (
    "Every public reading of every region, superseded ones included, and the headlines published for the whole programme "
    "beside the sums of the regions with their signed differences. An empty value was not reported; it is never 0."
)
NO_LICENCE = (
    "The programme’s pages give no licence for these figures, so none is stated here: ask the programme before you reuse them "
    "beyond what the law allows. The outlines of the regions derive from Natural Earth 1:10m, which is in the public domain."
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Address name, file name, media type, what it holds.
FILES = (
    ("readings_csv", "readings.csv", "text/csv", "The whole table: UTF-8 with byte order mark, commas."),
    ("readings_json", "readings.json", "application/json", "The same rows, with definitions and sources."),
    ("readings_xlsx", "readings.xlsx", XLSX, "A workbook: data, definitions, sources, read me."),
    ("regions_geojson", "regions.geojson", "application/geo+json", "The regions’ outlines with the latest figures."),
)
# Of the files that are tables: how their rows are written, in the words of the Data Package.
DIALECTS: dict[str, dict[str, Any]] = {
    "readings_csv": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "headerRows": [1]},
    "readings_xlsx": {"headerRows": [1], "excel": {"sheet": "data"}},
}
NUMBERS = {"integer": "integer", "boolean": "boolean"}
FORMATS = {"date": "date", "datetime": "date-time"}


def notes(address: str) -> list[str]:
    """The first lines of the workbook's "read me"."""
    return [TITLE, address, DESCRIPTION, NO_LICENCE, "Moments are in UTC. Differences are headline less sum."]


def table_schema(columns: Sequence[Column]) -> dict[str, Any]:
    """Columns as Table Schema fields."""
    fields = []
    for column in columns:
        constraints: dict[str, Any] = {"required": True} if column.required else {}
        if column.values:
            constraints["enum"] = list(column.values)
        field: dict[str, Any] = {"name": column.name, "type": column.type, "description": str(column.meaning)}
        if column.name == "id":
            constraints["unique"] = True
        if constraints:
            field["constraints"] = constraints
        fields.append(field)
    return {
        "fields": fields,
        "missingValues": [""],
        "primaryKey": ["id"],
        "foreignKeys": [
            {"fields": [name], "reference": {"resource": "", "fields": ["id"]}} for name in ("supersedes", "superseded_by")
        ],
    }


def data_package(at: datetime) -> dict[str, Any]:
    return {
        "name": "scaling-up-itsci-figures",
        "title": TITLE,
        "description": f"{DESCRIPTION} {NO_LICENCE}",
        "sources": [
            {"title": source["source_en"]} | ({"path": source["address"]} if source["address"] else {})
            for source in (record(exports.SOURCES, row) for row in figures.sources(at))
        ],
        "resources": [_resource(*file) for file in FILES],
    }


def _resource(name: str, file: str, media: str, words: str) -> dict[str, Any]:
    ending = file.rpartition(".")[2]
    known = {"name": name.replace("_", "-"), "path": file, "format": ending, "mediatype": media, "description": words}
    if name not in DIALECTS:
        return known | {"profile": "data-resource"}
    return known | {
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "dialect": DIALECTS[name],
        "schema": table_schema(figures.COLUMNS),
    }


def dataset(absolute: Absolute, at: datetime) -> dict[str, Any]:
    """The schema.org record. What is not known (licence, publisher's identifier) is left out."""
    public = exports.public_readings(at)
    span = public.aggregate(first=Min("effective_on"), last=Max("effective_on"), changed=Max("published_at"))
    places = [record(exports.PLACES, region) for region in regions_at(at)]
    described: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": TITLE,
        "description": f"{DESCRIPTION} {NO_LICENCE}",
        "url": absolute(reverse("data")),
        "inLanguage": ["en", "fr"],
        "isAccessibleForFree": True,
        "spatialCoverage": [
            {"@type": "Place", "name": name} for name in dict.fromkeys(place["country_en"] for place in places)
        ],
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "name": metric["metric_en"],
                "description": metric["definition_en"],
                "unitText": metric["unit_en"],
            }
            for metric in (record(exports.DEFINITIONS, row) for row in figures.metrics(at))
        ],
        "distribution": [
            {"@type": "DataDownload", "name": file, "contentUrl": absolute(reverse(name)), "encodingFormat": media}
            for name, file, media, _words in FILES
        ],
    }
    if span["first"]:
        described["temporalCoverage"] = f"{span['first'].year}/{span['last'].year}"
        described["dateModified"] = plain(span["changed"].astimezone(UTC).date())
    return described


def open_api(absolute: Absolute, at: datetime) -> dict[str, Any]:
    """The read API in OpenAPI 3.1."""
    filters = form(QueryDict(), at)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1.0.0", "description": f"{DESCRIPTION} {NO_LICENCE}"},
        "servers": [{"url": absolute("/")}],
        "paths": {reverse(name): {"get": _operation(name, media, words, filters)} for name, _file, media, words in FILES},
        "components": {
            "parameters": {name: _parameter(name, field.label, filters) for name, field in filters.fields.items()},
            "schemas": {
                "Reading": _json_schema(exports.READINGS),
                "Headline": _json_schema(figures.HEADLINES),
                "Definition": _json_schema(exports.DEFINITIONS),
                "Source": _json_schema(exports.SOURCES),
                "Readings": {
                    "type": "object",
                    "required": ["as_at", "headlines", "readings", "definitions", "sources"],
                    "properties": {"as_at": {"type": ["string", "null"], "format": "date"}}
                    | {name: _list_of(schema) for name, schema in LISTS.items()},
                },
                "Regions": _object("type", "features", "as_at", "headlines"),
                "BadFilter": _object("error", "problems"),
            },
        },
    }


LISTS = {"headlines": "Headline", "readings": "Reading", "definitions": "Definition", "sources": "Source"}


def _list_of(schema: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}


def _object(*required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required)}


def _operation(name: str, media: str, words: str, filters: DownloadForm) -> dict[str, Any]:
    schemas = {"readings_json": "Readings", "regions_geojson": "Regions"}
    is_json = name in schemas
    content = {"schema": {"$ref": f"#/components/schemas/{schemas[name]}"}} if is_json else {}
    refused: dict[str, Any] = {"application/json": {"schema": {"$ref": "#/components/schemas/BadFilter"}}}
    return {
        "operationId": name,
        "summary": words,
        "parameters": [{"$ref": f"#/components/parameters/{parameter}"} for parameter in filters.fields],
        "responses": {
            "200": {
                "description": words,
                "headers": {"ETag": {"schema": {"type": "string"}}},
                "content": {media: content},
            },
            "304": {"description": "Nothing changed since the answer with the ETag in If-None-Match."},
            "400": {
                "description": "A parameter is unknown, given twice or holds something that is not allowed; all are named.",
                "content": refused if is_json else {"text/plain": {}},
            },
        },
    }


def _parameter(name: str, label: Any, filters: DownloadForm) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    choices = {"region": list(filters.regions), "country": list(filters.countries), "metric": list(filters.metrics)}
    if name in choices:
        schema["enum"] = choices[name]
    elif name == "as-at":
        schema["format"] = "date"
    else:
        schema["pattern"] = "^[0-9]{4}(-[0-9]{2}-[0-9]{2})?$"
    return {"name": name, "in": "query", "required": False, "description": MEANINGS[name], "schema": schema}


MEANINGS = {
    "region": "Readings of this region. Headlines stay: they are of the whole.",
    "country": "Readings of this country’s regions, by ISO 3166-1 code. Headlines stay.",
    "metric": "Rows of this metric, and headlines that it stands beside.",
    "from": "Periods that begin on this day or later; a year is its first day.",
    "to": "Periods that begin on this day or earlier; a year is its last day.",
    "as-at": "What was public at the end of this day (UTC), with the names and definitions of that day.",
}


def _json_schema(columns: Iterable[Column]) -> dict[str, Any]:
    columns = list(columns)
    return {
        "type": "object",
        "required": [column.name for column in columns],
        "additionalProperties": False,
        "properties": {column.name: _property(column) for column in columns},
    }


def _property(column: Column) -> dict[str, Any]:
    kind = NUMBERS.get(column.type, "string")
    schema: dict[str, Any] = {"type": kind if column.required else [kind, "null"], "description": str(column.meaning)}
    if column.type in FORMATS:
        schema["format"] = FORMATS[column.type]
    if column.values:
        schema["enum"] = [*column.values, *([] if column.required else [None])]
    return schema
