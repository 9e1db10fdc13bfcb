// The vendor: MetaStudio's callbacks, signed as its MSS_A_HEAD has it, and sent again until they
// are answered 2xx.

import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";

/** A signature is accepted for a minute; well before that ends a call is signed anew. */
const FRESH_MS = 45_000;
/** How long a call waits for its answer: as long as a vendor would. */
const ANSWER_MS = 10_000;

const TYPES = [
  [
    "RTMP_STREAM_STATE_CHANGE",
    { output_url: "rtmp://push.example.com/live", stream_key: "k", state: "CONNECTED" },
  ],
  [
    "SHOOT_SCRIPT_SWITCH",
    { scene_script_name: "one", shoot_script_sequence_no: "2", shoot_script_title: "two" },
  ],
  ["INTERACTION_REPLY_START", { reply_id: "f1" }],
];

/** The body of the callback of that job: the message within it is JSON in a text. */
function body(channel, job, number) {
  const [eventType, fields] = TYPES[number % TYPES.length];
  const message = JSON.stringify({ room_id: channel, job_id: job, ...fields });
  return JSON.stringify({ event_type: eventType, message });
}

export class Vendor {
  #agent = new Agent({ keepAlive: true });
  /** Events that may have been accepted twice, because they had to be signed anew. */
  signedAnew = new Set();
  /** Events that were answered 2xx: where the receivers were when each was first sent. */
  answered = new Map();
  /** How many calls had no answer, or none that is 2xx. */
  failed = 0;

  /**
   * @param {string} url where the source's callbacks go
   * @param {string} key
   */
  constructor(url, key) {
    this.url = new URL(url);
    this.key = key;
  }

  /**
   * Sends one callback until it is answered 2xx; the same call again unless that would be stale.
   *
   * @param {() => Promise<unknown>} running resolves when the gateway runs
   * @param {number} sentAt the receivers' place now
   */
  async send(channel, job, number, running, sentAt) {
    const bytes = Buffer.from(body(channel, job, number));
    let signedAt = Date.now();
    for (const deadline = Date.now() + 240_000; ; ) {
      await running();
      if (Date.now() - signedAt > FRESH_MS) {
        signedAt = Date.now();
        this.signedAnew.add(job);
      }
      const status = await this.#call(bytes, signedAt);
      if (status >= 200 && status < 300) {
        this.answered.set(job, { channel, number, sentAt });
        return;
      }
      // A killed gateway gives no answer at all; a 4xx would be refused again and again.
      if (status >= 400 && status < 500) throw new Error(`${job} was answered ${status}`);
      this.failed += 1;
      if (Date.now() > deadline) throw new Error(`${job} was not accepted within 240 s`);
    }
  }

  /** The status of the answer; 0 if there was none. */
  #call(bytes, signedAt) {
    // Huawei's scheme: HMAC-SHA256 of host, path and the time in hexadecimal seconds.
    const time = Math.floor(signedAt / 1000).toString(16);
    const signed = `${this.url.host}${this.url.pathname}${time}`;
    const secret = createHmac("sha256", this.key).update(signed).digest("hex");
    return new Promise((ended) => {
      const call = request(this.url, {
        agent: this.#agent,
        method: "POST",
        timeout: ANSWER_MS,
        headers: {
          "content-type": "application/json",
          "content-length": bytes.length,
          "x-hw-mss-time": time,
          "x-hw-mss-secret": secret,
        },
      });
      call.on("response", (answer) => {
        answer.resume();
        answer.on("error", () => {});
        ended(answer.statusCode);
      });
      call.on("timeout", () => call.destroy());
      call.on("error", () => ended(0));
      call.on("close", () => ended(0));
      call.end(bytes);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
