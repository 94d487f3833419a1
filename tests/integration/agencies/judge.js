// Judge a document against the official meta-schema of AsyncAPI, and samples against its payload.
// Reads {document, samples: [{schema, value}]} as JSON from standard input; prints what is wrong.
"use strict";

const Ajv = require("ajv");
const addFormats = require("ajv-formats");
const meta = require("@asyncapi/specs/schemas/3.0.0.json");

const { document, samples } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const wrong = [];

function judge(name, ajv, schema, value) {
  const validate = ajv.compile(schema);
  if (!validate(value)) {
    for (const error of validate.errors) wrong.push(`${name}${error.instancePath}: ${error.message}`);
  }
}

// The meta-schema brings its own copy of draft 07.
const judgeOfDocuments = new Ajv({
  meta: false, validateSchema: false, validateFormats: false, unicodeRegExp: false, strict: false, allErrors: true,
});
judge("document", judgeOfDocuments, meta, document);
for (const { schema, value } of samples) {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  judge(schema, ajv, { components: document.components, $ref: `#/components/schemas/${schema}` }, value);
}
console.log(JSON.stringify(wrong));
