// A strict reader of JSON that keeps every token as it is typed: no number and no string is
// ever read into a value, so that formatting cannot change one.
const blank = /[ \t\n\r]*/y;
const token = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/y;

const missing = {
  value: "a value is missing",
  item: "a value or ] is missing",
  first: "a key in double quotes or } is missing",
  key: "a key in double quotes is missing",
  colon: "a colon is missing",
  comma: "a comma or the closing bracket is missing",
  end: "there is more after the end of the document",
};

// read gives the tokens, or where it stops being JSON and why.
function read(text) {
  const tokens = [];
  const open = [];
  let at = 0;
  let want = "value"; // a key of missing
  const wrong = (words, length = 1) => ({ problem: { from: at, to: Math.min(at + length, text.length), words } });
  for (;;) {
    blank.lastIndex = at;
    at += blank.exec(text)[0].length;
    if (at === text.length) break;
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (!found && want !== "end" && text[at] === '"') return wrong("the text in quotes does not end, or holds a character that must be escaped");
    const next = found && step(found, want, open);
    if (!next) return wrong(missing[want], found?.length);
    tokens.push(found);
    want = next;
    at += found.length;
  }
  return want === "end" ? { tokens } : wrong(missing[want]);
}

// step is what is wanted after a token, or nothing where the token is not what was wanted.
function step(found, want, open) {
  const top = open.at(-1);
  const wantsValue = want === "value" || want === "item";
  switch (found[0]) {
    case "{":
    case "[":
      if (!wantsValue) return null;
      open.push(found);
      return found === "{" ? "first" : "item";
    case "}":
      return top === "{" && (want === "first" || want === "comma") ? close(open) : null;
    case "]":
      return top === "[" && (want === "item" || want === "comma") ? close(open) : null;
    case ",":
      return want === "comma" ? (top === "{" ? "key" : "value") : null;
    case ":":
      return want === "colon" ? "value" : null;
    case '"':
      if (want === "first" || want === "key") return "colon";
  }
  return wantsValue ? after(open) : null;
}

function close(open) {
  open.pop();
  return after(open);
}

const after = (open) => (open.length > 0 ? "comma" : "end");

// check says where a text stops being JSON, {from, to, words}, or null.
export function check(text) {
  return read(text).problem ?? null;
}

// format indents by two blanks; null where the text is not JSON.
export function format(text) {
  const { tokens } = read(text);
  if (!tokens) return null;
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((found, i) => {
    const empty = "{[".includes(tokens[i - 1]) && "}]".includes(found);
    if ("}]".includes(found)) {
      depth -= 1;
      if (!empty) out += line();
    } else if ("{[,".includes(tokens[i - 1])) out += line();
    out += found === ":" ? ": " : found;
    if ("{[".includes(found)) depth += 1;
  });
  return text.endsWith("\n") ? `${out}\n` : out;
}
