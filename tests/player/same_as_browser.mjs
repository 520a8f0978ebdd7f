// Asks the browser's own model the same questions as the server's; JSON in, JSON out.
import { readFileSync } from "node:fs";
import { Model } from "../../player/static/api.js";

const { elements, stored, fresh, read, write } = JSON.parse(readFileSync(0, "utf8"));
const model = new Model(elements, stored);
process.stdout.write(
  JSON.stringify({
    read: read.map((name) => {
      const { value, code } = model.get(name);
      return [value, code];
    }),
    write: write.map(([name, value]) => new Model(elements, fresh).set(name, value)),
  }),
);
