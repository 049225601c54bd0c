package web

import (
	"strconv"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// showDiff compares two versions without their values: without numbers, the current one with
// the one before it.
func (w *Web) showDiff(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	from, to := q.Get("from"), q.Get("to")
	if from == "" && to == "" {
		to = numberText(head.Secret.CurrentVersion)
		from = numberText(max(1, head.Secret.CurrentVersion-1))
	}
	page := &templates.SecretDiffPage{SecretHead: head, Form: templates.NewForm(map[string]string{"from": from, "to": to})}
	err = w.pair(r, page)
	if kind := fault.KindOf(err); err != nil && kind != fault.Invalid && kind != fault.NotFound {
		return err
	}
	if err != nil {
		page.Form.Fail(err)
	}
	return r.showRefused(err, page, &page.BasePage)
}

// revealDiff shows where the values of two versions differ; a script gets that part alone.
func (w *Web) revealDiff(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	f := r.form()
	page := &templates.SecretDiffPage{SecretHead: head, Form: templates.NewForm(map[string]string{"from": f.line("from"), "to": f.line("to")})}
	from, to := versionText(f.line("from")), versionText(f.line("to"))
	diff, err := w.Secrets.Diff(r.Context(), r.actor, head.Secret.ID, from, to)
	if err != nil {
		return err
	}
	if err := w.pair(r, page); err != nil {
		return err
	}
	page.Revealed, page.Cut = true, diff.Cut
	for _, hunk := range diff.Hunks {
		lines := make([]templates.DiffLine, len(hunk))
		for i, l := range hunk {
			lines[i] = diffLine(l)
		}
		page.Hunks = append(page.Hunks, lines)
	}
	return r.showList(page, &page.BasePage, "difference")
}

func diffLine(l secrets.DiffLine) templates.DiffLine {
	text := string(l.Text.Reveal())
	return templates.DiffLine{
		Op: string(l.Op), From: l.From, To: l.To, Unended: l.Unended,
		Before: text[:l.Start], Changed: text[l.Start:l.End], After: text[l.End:],
	}
}

// pair fills in the two versions that the page's form names.
func (w *Web) pair(r *request, page *templates.SecretDiffPage) error {
	from, to := versionText(page.Form.Value("from")), versionText(page.Form.Value("to"))
	pair, err := w.Secrets.VersionPair(r.Context(), r.actor, page.Secret.ID, from, to)
	if err == nil {
		page.From, page.To, page.Same = pair.From, pair.To, pair.Same()
	}
	return err
}

func numberText(n models.VersionNumber) string { return strconv.FormatInt(int64(n), 10) }

// versionText is the number of a version as it was typed; 0, which none has, for what is no
// number.
func versionText(text string) models.VersionNumber {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return models.VersionNumber(n)
}

// secretActions are what can be done with a secret.
var secretActions = []auth.Action{auth.ViewSecret, auth.RevealSecret, auth.WriteSecret, auth.DeleteSecret}

// secretAccess tells what the actor may do with a secret, and, of those who may hear of it,
// who else may do one thing with it.
func (w *Web) secretAccess(r *request) error {
	head, err := w.head(r)
	if err != nil {
		return err
	}
	q, e := r.URL.Query(), head.Environment.ID
	page := &templates.SecretAccessPage{
		SecretHead: head, Action: string(auth.RevealSecret), Pager: templates.Pager{Total: -1},
		Everybody: r.may(auth.ViewUsers, auth.Global) || r.may(auth.ViewMembers, e),
	}
	for _, action := range secretActions {
		page.Actions = append(page.Actions, string(action))
		if q.Get("action") == string(action) {
			page.Action = string(action)
		}
		x, err := w.Auth.Explain(r.Context(), r.actor, "", action, e)
		if err != nil {
			return err
		}
		page.Own = append(page.Own, templates.OwnAccess{Action: string(action), AccessAnswer: accessAnswer(x)})
	}
	if page.Everybody {
		holders, around, err := w.holders(r, auth.Action(page.Action), e)
		if err != nil {
			return err
		}
		page.Holders, page.Pager = holders, pagerOf(around)
	}
	return r.show(page, &page.BasePage)
}
