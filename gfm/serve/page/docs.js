// Writes the requests of openapi.json down.

import { ask } from "./sending.js";

const find = (id) => document.getElementById(id);

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  made.append(text, ...children);
  return made;
}

// A schema in a line: types, choices, and names of those that stand below.
function type(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map(type).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(type).join(", ")}]`;
  if (schema.type === "array") return `list of ${type(schema.items)}`;
  return schema.format === "binary" ? "file" : schema.type ?? "anything";
}

function list(properties, required = []) {
  return element("dl", "", ...Object.entries(properties).flatMap(([name, schema]) => {
    const usual = schema.default === undefined ? "" : `, usually ${JSON.stringify(schema.default)}`;
    const need = required.includes(name) ? ", needed" : "";
    const text = schema.description ? `. ${schema.description}` : "";
    return [element("dt", name), element("dd", `${type(schema)}${usual}${need}${text}`)];
  }));
}

function operation(path, method, { description, parameters = [], requestBody, responses }) {
  const made = element("section", "", element("h2", `${method.toUpperCase()} ${path}`),
    element("p", description ?? ""));
  const query = parameters.filter((each) => each.in === "query")
    .map(({ name, schema, description }) => [name, { description, ...schema }]);
  if (query.length) made.append(list(Object.fromEntries(query)));
  for (const [kind, { schema }] of Object.entries(requestBody?.content ?? {})) {
    made.append(element("p", `Body, ${kind}: ${schema.properties ? "" : type(schema)}`));
    if (schema.properties) made.append(list(schema.properties, schema.required));
  }
  const [[status, { content }]] = Object.entries(responses);
  const answer = content?.["application/json"]?.schema;
  made.append(element("p", `Answer ${status}${answer ? `: ${type(answer)}` : ""}`));
  return made;
}

ask("openapi.json").then((answer) => answer.json()).then(({ paths, components }) => {
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, what] of Object.entries(methods)) {
      find("paths").append(operation(path, method, what));
    }
  }
  for (const [name, schema] of Object.entries(components.schemas)) {
    if (name.includes("Validation")) continue;
    find("schemas").append(element("h3", name), element("p", schema.description ?? type(schema)),
      list(schema.properties ?? {}, schema.required));
  }
}).catch((error) => find("paths").append(element("p", error.message)));
