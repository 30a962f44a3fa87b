// Sockets for MicroPython, whose WebAssembly port has none: a thread does the work, and this one
// waits for it, so that `read` waits as it does on a board. A connection is a file of a device, so
// its bytes go into MicroPython's own buffers and cost its heap nothing.

import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";

const MAJOR = 64;
const [EIO, ETIMEDOUT] = [29, 73]; // in WASI's numbering, as Emscripten has it

export class Network {
  constructor(fs, flash) {
    this.fs = fs;
    this.flash = flash;
    this.timeouts = new Map(); // ms, by connection
    this.flag = new Int32Array(new SharedArrayBuffer(4));
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.worker = new Worker(new URL("./sockets.mjs", import.meta.url), {
      workerData: { flag: this.flag, port: port2 },
      transferList: [port2],
    });
    this.worker.unref();
    port1.unref();
    this.#register();
  }

  // `kind` tcp or udp -> the path of its file; "" where it was refused.
  connect(kind, host, port, timeoutMs) {
    if (!this.flash.spend(1)) return "";
    const { id, error } = this.#ask({ connect: kind, host, port, timeoutMs });
    if (error) return "";
    const path = `/net/${id}`;
    this.fs.mkdev(path, 0o666, this.device);
    return path;
  }

  // How long reading from the file at `path` may wait.
  timeout(path, ms) {
    this.timeouts.set(Number(path.split("/").pop()), ms);
  }

  // Whether there is something to be read, or why there never will be, within `ms`.
  ready(path, ms) {
    return !this.flash.on || this.#ask({ ready: Number(path.split("/").pop()), ms }).ready;
  }

  close() {
    this.worker.terminate();
  }

  #ask(question) {
    Atomics.store(this.flag, 0, 0);
    this.port.postMessage(question);
    for (;;) {
      const found = receiveMessageOnPort(this.port);
      if (found) return found.message;
      // Only a hint, which may come before the message or after it was found: hence the limit.
      Atomics.wait(this.flag, 0, 0, 10);
      Atomics.store(this.flag, 0, 0);
    }
  }

  #register() {
    const { fs, flash } = this;
    fs.mkdir("/net");
    this.device = fs.makedev(MAJOR, 0);
    const id = (stream) => Number(stream.node.name);
    const require = (answer) => {
      if (answer.error) throw new fs.ErrnoError(answer.timedOut ? ETIMEDOUT : EIO);
      return answer;
    };
    fs.registerDevice(this.device, {
      open: () => {},
      close: (stream) => {
        this.#ask({ close: id(stream), rude: !flash.on });
        fs.unlink(`/net/${stream.node.name}`);
      },
      // Where the power goes as it is sent, it may have left or not: odd budgets let it.
      write: (stream, buffer, offset, length) => {
        const data = Uint8Array.from(buffer.subarray(offset, offset + length));
        const was = flash.on;
        if (!flash.spend(1)) {
          if (was && flash.budget % 2) this.#ask({ send: id(stream), data });
          throw new fs.ErrnoError(EIO);
        }
        require(this.#ask({ send: id(stream), data }));
        return length;
      },
      read: (stream, buffer, offset, length) => {
        if (!flash.on) throw new fs.ErrnoError(EIO);
        const timeoutMs = this.timeouts.get(id(stream)) ?? 10_000;
        const { data } = require(this.#ask({ receive: id(stream), length, timeoutMs }));
        buffer.set(data, offset);
        return data.length;
      },
    });
  }
}
