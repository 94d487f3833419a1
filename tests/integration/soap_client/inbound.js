// Builds a client from the WSDL of the inbound service and sends messages as objects.
// Standard input: {wsdl, version, token, username, password, calls: [request, ...]}
"use strict";
const fs = require("node:fs");
const soap = require("soap");

async function main({ wsdl, version, token, username, password, calls }) {
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === "1.2" });
  client.addHttpHeader("Authorization", `Bearer ${token}`);
  client.setSecurity(
    new soap.WSSecurity(username, password, { passwordType: "PasswordDigest", hasNonce: true }),
  );
  const answers = [];
  for (const request of calls) {
    const [answer] = await client.DongBoHoSoMCAsync(request);
    answers.push(answer);
  }
  process.stdout.write(JSON.stringify({ operations: client.describe(), answers }));
}

main(JSON.parse(fs.readFileSync(0, "utf8"))).catch((error) => {
  process.stderr.write(`${error.message}\n${error.body ?? ""}\n`);
  process.exitCode = 1;
});
