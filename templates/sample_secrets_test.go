package templates

import (
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func sampleComparisons(b BasePage, all map[string]Page) {
	versions := sampleVersions()
	was, is := versions[2], versions[0]
	was.Facts.Keys, is.Facts.Keys = []string{"host", "password"}, []string{"host", "port"}
	diff := SecretDiffPage{BasePage: b, SecretHead: sampleHead(), From: was, To: is, Form: NewForm(map[string]string{"from": "2", "to": "4"})}
	all["diff"] = new(diff)
	same := diff
	same.Same = true
	all["diff same"] = &same
	viewer := diff
	viewer.Rights = SecretRights{}
	all["diff as viewer"] = &viewer
	gone := diff
	gone.Secret.DeletedAt = agoP(time.Hour)
	all["diff of a deleted secret"] = &gone
	shown := diff
	shown.Revealed, shown.Cut = true, 12
	shown.Hunks = [][]DiffLine{
		{{"kept", 1, 1, "{", "", "", false}, {"removed", 2, 0, `  "host": "`, "<old>", `",`, false}, {"added", 0, 2, `  "host": "`, "<new>", `",`, false}},
		{{"added", 0, 9, "}", "", "", true}},
	}
	all["diff shown"] = &shown
	all["diff refused"] = &SecretDiffPage{BasePage: b, SecretHead: sampleHead(), Form: failedForm(map[string]string{"from": "2", "to": "2"}, fault.Field{Name: "to", Message: "must be another version"})}
	certificate := diff
	certificate.SecretHead = certificateHead()
	certificate.To.Facts = certificate.Secret.Facts
	certificate.From.Facts = models.Facts{SSHKey: &models.SSHKeyFacts{Kind: "ssh-ed25519", Fingerprint: "SHA256:x"}}
	all["diff certificate"] = &certificate

	source := SourceView{GroupID: "grp_1", GroupName: "Payments", Role: "reader"}
	own := []OwnAccess{
		{"secret.reveal", AccessAnswer{Allowed: true, Through: []SourceView{source, {Role: "admin", Global: true}}, Notes: []string{"The environment is protected."}}},
		{"secret.write", AccessAnswer{Against: []string{"It takes the role editor in the environment, which nothing gives."}}},
	}
	actions := []string{"secret.view", "secret.reveal"}
	all["secret access"] = &SecretAccessPage{
		BasePage: b, SecretHead: sampleHead(), Own: own, Action: "secret.reveal", Actions: actions, Everybody: true, Pager: Pager{Next: "c2", Total: -1},
		Holders: []AccessHolder{{models.User{ID: "usr_2", Username: "grace", DisplayName: "Grace H"}, []SourceView{source}}},
	}
	all["secret access, own alone"] = &SecretAccessPage{BasePage: b, SecretHead: sampleHead(), Own: own, Action: "secret.reveal", Actions: actions, Pager: Pager{Total: -1}}
	late := &SecretPage{BasePage: b, SecretHead: sampleHead(), Version: versions[0], Newest: versions}
	late.Secret.ValueChangedAt, late.Secret.ExpiresAt = ago(120*sampleDay), agoP(3*sampleDay)
	all["secret overdue"] = late
}
