// A real MicroPython (its WebAssembly port) for the tests: reads a JSON object a line, answers with
// one. Everything is synchronous, as on a board: where the node waits, this process does.
//
//   {"run": SOURCE}         -> {"out": LINES}            runs SOURCE in __main__
//   {"drive": NAME}         -> {"out": LINES, "steps": n, "allocated": bytes, "total": bytes}
//        calls the function NAME of __main__ until it returns a false value. Between two calls is
//        where this port collects garbage; `allocated` is the most that was taken, garbage
//        included, and `total` the largest that the heap was.
//   what raises             -> {"out": LINES, "error": TEXT}
//
// arguments: the heap's bytes, then pairs FOLDER=WHERE of files to be put into its file system.

import fs from "node:fs";
import path from "node:path";

import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";

import { Flash } from "./flash.mjs";
import { Network } from "./network.mjs";

const [heapsize, ...folders] = process.argv.slice(2);
let out = [];
const mp = await loadMicroPython({
  heapsize: Number(heapsize),
  stdout: (line) => out.push(line),
  linebuffer: true,
});

function copy(from, to) {
  mp.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copy(source, target);
    else if (entry.name.endsWith(".py")) mp.FS.writeFile(target, fs.readFileSync(source));
  }
}
for (const pair of folders) copy(...pair.split("="));

// Lines, both ways, without giving the processor away in between.
let pending = "";
const chunk = Buffer.alloc(65536);
function line() {
  for (;;) {
    const end = pending.indexOf("\n");
    if (end >= 0) {
      const found = pending.slice(0, end);
      pending = pending.slice(end + 1);
      return found;
    }
    let size = 0;
    try {
      size = fs.readSync(0, chunk);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      continue;
    }
    if (size === 0) return null;
    pending += chunk.toString("utf8", 0, size);
  }
}
function say(value) {
  const data = Buffer.from(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < data.length; ) {
    try {
      at += fs.writeSync(1, data, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const flash = new Flash(mp.FS, "/data");
const network = new Network(mp.FS, flash);
mp.registerJsModule("harness", {
  // Ask the test, which answers with a line of its own.
  ask: (text) => {
    say({ ask: text });
    return line();
  },
  power: (...settings) => flash.power(...settings),
  spend: (cost = 1) => flash.spend(cost),
  is_on: () => flash.on,
  spent: () => flash.spent,
  writes: () => flash.writes,
  erase: () => flash.erase(),
  connect: (...target) => network.connect(...target),
  ready: (path, ms) => network.ready(path, ms),
  timeout: (path, ms) => network.timeout(path, ms),
});

const GROWTH = 128 * 1024 * 1024; // what this port adds to gc.mem_free(): how far a heap may grow
mp.runPython("import gc");

function drive(name) {
  const [step, gc] = [mp.globals.get(name), mp.globals.get("gc")];
  const found = { steps: 0, allocated: 0, total: 0 };
  for (let more = true; more; found.steps += 1) {
    more = step();
    const allocated = gc.mem_alloc();
    found.allocated = Math.max(found.allocated, allocated);
    found.total = Math.max(found.total, allocated + gc.mem_free() - GROWTH);
  }
  return found;
}

for (let text = line(); text !== null; text = line()) {
  const command = JSON.parse(text);
  out = [];
  let reply = {};
  try {
    if (command.drive) reply = drive(command.drive);
    else mp.runPython(command.run);
  } catch (error) {
    reply = { error: String(error.message) };
  }
  say({ out, ...reply });
  await new Promise(setImmediate); // lets what JavaScript no longer holds be let go of
}
network.close();
