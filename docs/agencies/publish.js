// Send one file to Lienthong by RabbitMQ, and print what comes back. Needs: npm install amqplib
//
//     export LIENTHONG_PASSWORD=…
//     node publish.js amqp://host:5672/vhost igate-one-stop ho-so.json 2026-000017
//
// Exit code 0: everything was taken over; 1: it was refused, or a record of it was.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const amqp = require("amqplib");

const PREFIX = process.env.LIENTHONG_PREFIX || "lienthong";
const WAIT_SECONDS = Number(process.env.LIENTHONG_WAIT || "60");
const CONTENT_TYPES = {
  ".csv": "text/csv",
  ".txt": "text/plain",
  ".dbf": "application/vnd.dbf",
  ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  ".xls": "application/vnd.ms-excel",
  ".ods": "application/vnd.oasis.opendocument.spreadsheet",
  ".json": "application/json",
  ".jsonl": "application/x-ndjson",
  ".xml": "application/xml",
  ".zip": "application/zip",
};
const BAD = new Set(["refused", "broken_off", "rejected", "parked", "quarantined"]);
// It is here, with our signature on that; what comes of it follows.
const HERE = new Set(["received", "receipt"]);

async function main(url, agency, file, messageId) {
  const address = new URL(url);
  const connection = await amqp.connect({
    protocol: address.protocol.slice(0, -1),
    hostname: address.hostname,
    port: Number(address.port) || 5672,
    vhost: decodeURIComponent(address.pathname.slice(1)) || "/",
    username: process.env.LIENTHONG_USER || `${PREFIX}-${agency}`,
    password: process.env.LIENTHONG_PASSWORD,
  });
  try {
    await publish(await connection.createConfirmChannel(), agency, messageId, file);
    console.log(`${messageId}: published, durable at the broker`);
    return await waitForResults(await connection.createChannel(), agency, messageId);
  } finally {
    await connection.close();
  }
}

async function publish(channel, agency, messageId, file) {
  // The confirm says that the message is on the disks of the broker. A message that reached no
  // queue is confirmed too, but comes back before: that is an error. After any error publish the
  // same bytes again under the same messageId: it counts once.
  let returned = false;
  channel.on("return", () => { returned = true; });
  channel.publish(`${PREFIX}.in.${agency}`, "records", fs.readFileSync(file), {
    messageId,
    contentType: CONTENT_TYPES[path.extname(file)],
    persistent: true,
    mandatory: true,
  });
  await channel.waitForConfirms();
  if (returned) throw new Error("the message reached no queue; ask the operator");
}

function waitForResults(channel, agency, messageId) {
  let code = 0;
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      console.error("nothing more came");
      resolve(code);
    }, WAIT_SECONDS * 1000);
    const onMessage = (message) => {
      if (message === null) return reject(new Error("the results queue went away"));
      const result = JSON.parse(message.content.toString("utf8"));
      show(result);
      // A real back-end writes the result into its own database before it acknowledges. The same
      // result may come twice: its id says so.
      channel.ack(message);
      giveUp.refresh();
      if (message.properties.correlationId !== messageId) return undefined;
      if (BAD.has(result.kind)) code = 1;
      if (HERE.has(result.kind) && !process.env.LIENTHONG_FIRST_ONLY) return undefined;
      clearTimeout(giveUp);
      return channel.close().then(() => resolve(code), reject);
    };
    channel.prefetch(1).then(() => channel.consume(`${PREFIX}.results.${agency}`, onMessage)).catch(reject);
  });
}

function show(result) {
  console.log(result.kind, result.key, result.dossier || "");
  for (const error of result.errors) {
    const place = Object.entries(error.source).map(([name, value]) => `${name} ${value}`).join(", ");
    console.log(`  ${error.code} ${place}: ${error.message.vi}`);
    if (error.suggestion) console.log(`    → ${error.suggestion.vi}`);
  }
}

main(...process.argv.slice(2, 6)).then(
  (code) => { process.exitCode = code; },
  (error) => { console.error(String(error)); process.exitCode = 2; },
);
