// Calls what it is told on standard input, one JSON object a line, with the AWS SDK for JavaScript
// as it is; lines in and out as in boto3_calls.py. The argument is the folder with node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const sdks = {
  opensearch: [require("@aws-sdk/client-opensearch"), "OpenSearchClient"],
  es: [require("@aws-sdk/client-elasticsearch-service"), "ElasticsearchServiceClient"],
};
const clients = {};
for (const [name, [sdk, client]] of Object.entries(sdks)) {
  clients[name] = new sdk[client]({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION, maxAttempts: 1 });
}

// Times are numbers for whoever reads the lines.
Date.prototype.toJSON = function () {
  return this.getTime() / 1000;
};

for await (const line of createInterface({ input: process.stdin })) {
  const { service, operation, input } = JSON.parse(line);
  let answer;
  try {
    const { $metadata, ...output } = await clients[service].send(new sdks[service][0][operation + "Command"](input));
    answer = { output };
  } catch (e) {
    if (!e.$metadata) throw e;
    answer = { error: { code: e.name, message: e.message, status: e.$metadata.httpStatusCode } };
  }
  console.log(JSON.stringify(answer));
}
