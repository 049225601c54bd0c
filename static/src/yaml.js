// A check and a format of YAML, loaded only where a YAML secret is written. Everything is read
// as text (the failsafe schema), so that no number, date or yes is turned into another spelling.
import { isAlias, isCollection, isPair, isScalar, parseAllDocuments, visit } from "yaml";

const reading = { schema: "failsafe", prettyErrors: false, logLevel: "silent", strict: true };

const reasons = {
  BAD_INDENT: "the indentation is not that of its neighbours",
  BLOCK_AS_IMPLICIT_KEY: "a mapping cannot begin here: indent it on the next line, or put the value in quotes",
  DUPLICATE_KEY: "this key stands twice",
  MISSING_CHAR: "a character is missing, such as a quote or a closing bracket",
  MULTILINE_IMPLICIT_KEY: "a key must stand on one line and end with a colon",
  TAB_AS_INDENT: "tabs cannot indent; use blanks",
  UNEXPECTED_TOKEN: "this is not expected here",
  BAD_ALIAS: "this alias names no anchor",
};

// check says where a text stops being YAML, {from, to, words}, or null.
export function check(text) {
  const error = parseAllDocuments(text, reading).flatMap((document) => document.errors)[0];
  if (!error) return null;
  const [from, to] = error.pos;
  return { from: Math.min(from, text.length), to: Math.min(Math.max(to, from + 1), text.length), words: reasons[error.code] ?? "this is not valid YAML" };
}

// format indents by two blanks and keeps comments, quotes and order; null where the text is
// not YAML, or where it cannot be done without changing what is said.
export function format(text) {
  try {
    const documents = parseAllDocuments(text, reading);
    if (documents.length === 0) return text;
    const out = documents.map((document) => document.toString({ indent: 2, lineWidth: 0 })).join("");
    if (said(documents) !== said(parseAllDocuments(out, reading))) return null;
    return text.endsWith("\n") ? out : out.replace(/\n$/, "");
  } catch {
    return null; // a document with errors, or with an alias of nothing
  }
}

// said is everything in the documents that has a meaning, comments included.
function said(documents) {
  const all = [];
  const comments = [];
  const hear = ({ commentBefore, comment }) => comments.push(...[commentBefore, comment].join("\n").split("\n"));
  for (const document of documents) {
    all.push("document");
    hear(document);
    visit(document, (_, node) => {
      if (isPair(node)) return;
      hear(node);
      if (isAlias(node)) all.push(["alias", node.source]);
      else if (isScalar(node)) all.push(["text", node.tag, node.anchor, node.value, node.type === "PLAIN"]);
      else if (isCollection(node)) all.push(["of", node.tag, node.anchor, node.items.length]);
    });
  }
  const words = comments.map((line) => line.trim()).filter(Boolean);
  return JSON.stringify([all, words.sort()]);
}
