// The editor of JSON and YAML, loaded only where one is written. It stands over the text area,
// which stays the field of the form and holds what is typed: without this file the form works
// the same. It lives in a shadow root, where its style sheets need no inline style.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const languages = { JSON: json, YAML: yaml };

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--k-text)", fontSize: "0.8125rem", textAlign: "left" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--bs-font-monospace)", lineHeight: "1.375rem", overflow: "auto" },
  ".cm-content": { padding: "5px 0", caretColor: "var(--k-text)" },
  ".cm-line": { padding: "0 10px 0 6px" },
  ".cm-gutters": { backgroundColor: "var(--k-sunken)", color: "var(--k-muted)", borderRight: "1px solid var(--k-line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--k-hover)" },
  ".cm-cursor": { borderLeftColor: "var(--k-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--k-focus) 24%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--k-focus) 20%, transparent)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "color-mix(in srgb, var(--k-red) 20%, transparent)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--k-red) 1px", textUnderlineOffset: "3px" },
  ".cm-tooltip": { backgroundColor: "var(--k-raised)", color: "var(--k-text)", border: "1px solid var(--k-line-strong)", borderRadius: "6px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--k-red)" },
  ".cm-panels": { backgroundColor: "var(--k-sunken)", color: "var(--k-text)", borderTop: "1px solid var(--k-line)" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--k-hover)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--k-accent)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--k-blue)" },
  { tag: [tags.labelName, tags.typeName, tags.meta], color: "var(--k-violet)" },
  { tag: [tags.comment, tags.separator, tags.punctuation], color: "var(--k-muted)" },
]);

// Chromium itself would keep the look of text that is typed over, by a style attribute, which
// the policy of the pages refuses and the console tells of.
const typeOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.isComposing || !event.data || view.state.selection.main.empty) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

// dress puts the editor over a text area. language is a type of secret, check the function that
// says where a text is wrong. It returns what puts a text in, and what takes the editor away.
export function dress(area, { language, label, check }) {
  const host = document.createElement("div");
  host.className = "code-editor form-control";
  host.classList.toggle("is-invalid", area.classList.contains("is-invalid"));
  host.style.height = `${Math.max(area.offsetHeight, 120)}px`;
  const root = host.attachShadow({ mode: "open" });
  const focused = document.activeElement === area;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      selection: { anchor: area.selectionStart, head: area.selectionEnd },
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        EditorView.lineWrapping,
        typeOver,
        languages[language](),
        syntaxHighlighting(colours),
        linter(({ state }) => marks(check(state.doc.toString())), { delay: 300 }),
        keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.contentAttributes.of({ "aria-label": label, "aria-multiline": "true", spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
        theme,
      ],
    }),
  });
  // The label, the summary of errors and the browser's own checks lead to the text area.
  const lead = () => view.focus();
  area.addEventListener("focus", lead);
  area.classList.add("code-beneath");
  area.tabIndex = -1;
  area.setAttribute("aria-hidden", "true");
  area.after(host);
  describe(view.contentDOM, area);
  if (focused) view.focus();

  return {
    put: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 }, scrollIntoView: true }),
    focus: () => view.focus(),
    undress: () => {
      area.removeEventListener("focus", lead);
      area.classList.remove("code-beneath");
      area.removeAttribute("tabindex");
      area.removeAttribute("aria-hidden");
      view.destroy();
      host.remove();
    },
  };
}

// describe tells a screen reader what describes the text area; an id alone does not reach out
// of a shadow root.
function describe(content, area) {
  content.ariaInvalid = area.ariaInvalid;
  if (!("ariaDescribedByElements" in Element.prototype)) return;
  const ids = area.getAttribute("aria-describedby")?.split(" ") ?? [];
  content.ariaDescribedByElements = ids.map((id) => document.getElementById(id)).filter(Boolean);
}

function marks(problem) {
  return problem ? [{ from: problem.from, to: problem.to, severity: "error", message: problem.words }] : [];
}
