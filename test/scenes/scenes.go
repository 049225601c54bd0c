// Package scenes is what people do on a page of Keeper that shows another one, or more of the
// same: for the walk that holds these pages to what people need, and for their pictures. Each
// is a function of JavaScript.
package scenes

import "fmt"

// What opens over a page, or within it.
const (
	// Palette opens the search and looks for what is called pay.
	Palette = `() => {
		document.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }));
		setTimeout(() => { const field = document.querySelector("dialog[open] input"); field.value = "pay"; field.dispatchEvent(new Event("input", { bubbles: true })); }, 200);
	}`
	Sidebar  = `() => { document.querySelector("[data-bs-toggle=offcanvas]").click(); }`
	UserMenu = `() => { document.querySelector(".user-menu").open = true; }`
	// Filter opens what a list of secrets can be narrowed by.
	Filter = `() => { for (const d of document.querySelectorAll("#results details")) if (d.innerText.includes("Filter")) d.open = true; }`
	// Folds opens all that a page has folded away.
	Folds = `() => { for (const d of document.querySelectorAll("main details")) d.open = true; }`
)

// Forms that are refused.
const (
	RefusedSecret = `() => {
		document.querySelector("#f-name").value = "not a name!"; document.querySelector("#f-value").value = "x"; document.querySelector("#f-tags").value = "a=1\na=2";
		for (const d of document.querySelectorAll("main details")) d.open = true;
		document.querySelector("form[action='/secrets']").noValidate = true; document.querySelector("form[action='/secrets'] [type=submit]").click();
	}`
	RefusedDestination = `() => {
		document.querySelector("#f-name").value = "vault 2"; const form = document.querySelector("form.form-sheet"); form.noValidate = true; form.querySelector(".btn-primary").click();
	}`
	RefusedEnvironment = `() => {
		document.querySelector("#f-name").value = "Not A Name"; const form = document.querySelector("form.form-sheet"); form.noValidate = true; form.querySelector("[type=submit]").click();
	}`
)

// What is shown once.
const (
	NewToken = `() => {
		document.querySelector("#f-name").value = "laptop"; document.querySelector("form.form-sheet").requestSubmit();
	}`
	NewUser = `() => {
		document.querySelector("#f-username").value = "grace" + Date.now() % 1000; document.querySelector("form.form-sheet").requestSubmit();
	}`
	NewTOTP = `() => { document.querySelector("form[action='/profile/totp']").requestSubmit(); }`
)

// Press presses a button, a link, or what else a selector finds.
func Press(selector string) string {
	return fmt.Sprintf(`() => { for (const e of document.querySelectorAll(%q)) e.click(); }`, selector)
}

// Send sends a form as a page without scripts does, and asks nothing of its fields before.
func Send(selector string) string {
	return fmt.Sprintf(`() => { document.querySelector(%q).submit(); }`, selector)
}

// SendTo sends a form elsewhere than it says, as it would have been if what it is about had become something
// else meanwhile.
func SendTo(form, action string) string {
	return fmt.Sprintf(`() => { const form = document.querySelector(%q); form.action = %q; form.requestSubmit(); }`, form, action)
}

// Fill fills fields of a form, by selectors each followed by a value, and sends it.
func Fill(form string, fields ...string) string {
	said := ""
	for i := 0; i+1 < len(fields); i += 2 {
		said += fmt.Sprintf("document.querySelector(%q).value = %q; ", fields[i], fields[i+1])
	}
	return fmt.Sprintf(`() => { %sconst form = document.querySelector(%q); form.noValidate = true; form.requestSubmit(); }`, said, form)
}
