// The client program on the JavaScript SDK: worker.mjs URL SLOTS INTERVAL_MILLIS; -1: the SDK's own.
import { createConductorClient, TaskManager } from "@io-orkes/conductor-javascript";

const [url, slots, interval] = process.argv.slice(2);
const options = {};
if (Number(slots) >= 0) options.concurrency = Number(slots);
if (Number(interval) >= 0) options.pollInterval = Number(interval);
const silent = { info() {}, debug() {}, error: (...words) => console.error(...words) };
const client = await createConductorClient({ serverUrl: url });
const worker = {
  taskDefName: "bench_0",
  execute: async (task) => ({ status: "COMPLETED", outputData: task.inputData }),
};
new TaskManager(client, [worker], { options, logger: silent }).startPolling();
