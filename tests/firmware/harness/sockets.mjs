// The thread that does what network.mjs waits for.

import dgram from "node:dgram";
import net from "node:net";
import { workerData } from "node:worker_threads";

const { flag, port } = workerData;
const connections = new Map();
let last = 0;

class Connection {
  received = [];
  ended = null; // "closed", or what went wrong
  wake = () => {};

  arrived(data) {
    this.received.push(data);
    this.wake();
  }

  end(why) {
    this.ended ??= why;
    this.wake();
  }

  async ready(ms) {
    if (!this.received.length && !this.ended) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = () => {};
    }
    return this.received.length > 0 || this.ended !== null;
  }

  async receive(length, timeoutMs) {
    await this.ready(timeoutMs);
    const data = this.received.shift();
    if (data) {
      if (data.length > length) this.received.unshift(data.subarray(length));
      return { data: data.subarray(0, length) };
    }
    if (this.ended === "closed") return { data: new Uint8Array() };
    return { error: this.ended ?? "timed out", timedOut: !this.ended };
  }
}

class Tcp extends Connection {
  open(host, to, timeoutMs) {
    return new Promise((resolve, reject) => {
      this.socket = net.connect({ host, port: to, noDelay: true });
      this.socket.on("connect", resolve);
      this.socket.on("data", (data) => this.arrived(data));
      this.socket.on("end", () => this.end("closed"));
      this.socket.on("error", (error) => {
        this.end(error.message);
        reject(error);
      });
      setTimeout(() => reject(new Error("timed out")), timeoutMs);
    });
  }

  send(data) {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(new Error(this.ended));
      else this.socket.write(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  // Rude is how a connection ends whose power goes: the other side learns nothing but a reset.
  close(rude) {
    if (rude) this.socket.resetAndDestroy();
    else this.socket.end();
  }
}

class Udp extends Connection {
  told = false;

  // MicroPython reads on until its buffer is full: behind each datagram the file seems to end.
  async receive(length, timeoutMs) {
    if (this.told) {
      this.told = false;
      return { data: new Uint8Array() };
    }
    const found = await super.receive(length, timeoutMs);
    this.told = !found.error;
    return found;
  }

  open(host, to) {
    return new Promise((resolve, reject) => {
      this.socket = dgram.createSocket("udp4");
      this.socket.on("message", (data) => this.arrived(data));
      this.socket.on("error", (error) => this.end(error.message));
      this.socket.connect(to, host, (error) => (error ? reject(error) : resolve()));
    });
  }

  send(data) {
    return new Promise((resolve, reject) => {
      this.socket.send(data, (error) => (error ? reject(error) : resolve()));
    });
  }

  close() {
    this.socket.close();
  }
}

async function answer(asked) {
  if (asked.connect) {
    const made = asked.connect === "udp" ? new Udp() : new Tcp();
    await made.open(asked.host, asked.port, asked.timeoutMs);
    last += 1;
    connections.set(last, made);
    return { id: last };
  }
  if (asked.send) await connections.get(asked.send).send(asked.data);
  if (asked.ready) return { ready: await connections.get(asked.ready).ready(asked.ms) };
  if (asked.receive) return connections.get(asked.receive).receive(asked.length, asked.timeoutMs);
  if (asked.close) {
    connections.get(asked.close).close(asked.rude);
    connections.delete(asked.close);
  }
  return {};
}

port.on("message", async (asked) => {
  let found;
  try {
    found = await answer(asked);
  } catch (error) {
    found = { error: error.message };
  }
  port.postMessage(found);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
