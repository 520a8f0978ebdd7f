// Asks the browser's own model the same questions as the server's; JSON in, JSON out.
import { readFileSync } from "node:fs";
import { Model } from "../../player/static/api.js";

const { elements, start, plays } = JSON.parse(readFileSync(0, "utf8"));
const answers = plays.flatMap((play) => {
  const model = new Model(elements, start);
  return play.map(([name, text]) => {
    if (text !== undefined) return ["", model.set(name, text)];
    const { value, code } = model.get(name);
    return [value, code];
  });
});
process.stdout.write(JSON.stringify(answers));
