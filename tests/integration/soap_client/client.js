// Builds a client from the sandbox's WSDL alone, delivers one signed document, looks it up.
// Arguments: WSDL URL, file with the signed document, agency code, dossier code, SOAP version.
"use strict";
const fs = require("node:fs");
const soap = require("soap");

async function main([wsdl, documentFile, agencyCode, dossierCode, version]) {
  const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === "1.2" });
  const document = fs.readFileSync(documentFile, "utf8");
  const [delivered] = await client.DongBoHoSoMCAsync({
    isUpdating: "False",
    LanGui: "1",
    ThoiDiemGui: "20261124100000",
    data: { $xml: document },
  });
  const [found] = await client.TraCuuHoSoAsync({ madonvi: agencyCode, mahoso: dossierCode });
  process.stdout.write(
    JSON.stringify({ operations: Object.keys(client.describe()), delivered, found }),
  );
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.message}\n${error.body ?? ""}\n`);
  process.exitCode = 1;
});
