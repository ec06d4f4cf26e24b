// Reads workflow files with npm's `@actions/workflow-parser`: an object of texts by name on stdin, an object of the
// errors of each on stdout. The first argument is the package's directory.
import { readFileSync } from "node:fs";
import { register } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The package imports its schema as bundlers do, without saying that it is JSON; Node.js wants to be told.
const hook = `export const load = (url, context, next) =>
  next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const parser = await import(pathToFileURL(join(process.argv[2], "dist/index.js")));
const texts = JSON.parse(readFileSync(0, "utf8"));
const found = {};
for (const [name, content] of Object.entries(texts)) {
  found[name] = await errors(name, content);
}
process.stdout.write(JSON.stringify(found));

async function errors(name, content) {
  try {
    const trace = new parser.NoOperationTraceWriter();
    const { context, value } = parser.parseWorkflow({ name, content }, trace);
    if (value) await parser.convertWorkflowTemplate(context, value);
    return context.errors.getErrors().map((error) => error.message);
  } catch (error) {
    return [String(error)];
  }
}
