package templates

import (
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// sampleBulk are the pages of acts on many secrets.
func sampleBulk(b BasePage, all map[string]Page) {
	row := func(id models.SecretID, name string, e models.Environment, changes ...BulkChange) BulkRow {
		return BulkRow{Secret: sampleSecret(id, name, models.Password, sampleDay), Environment: e, Changes: changes}
	}
	rows := []BulkRow{
		row(1, "payments/stripe/api-key", production, BulkChange{"owner", "Checkout", "Payments"}, BulkChange{"expires_at", "", "2027-01-01T00:00:00Z"}, BulkChange{"rotate_every_days", "0", "90"}),
		row(2, "payments/db/password", production, BulkChange{"owner", "", "Payments"}, BulkChange{"tags", "team=checkout", "team=payments"}, BulkChange{"tags", "old=", ""}),
		row(3, "payments/db/replica", staging),
		{Secret: sampleSecret(4, "mail/smtp", models.Password, sampleDay), Environment: staging, Why: "You may not do that: it takes the role editor in this environment."},
	}
	filter := SecretFilter{Environment: "production", Tag: "team=payments"}
	all["bulk edit"] = &BulkPage{BasePage: b, Act: BulkEdit, Filter: filter, IDs: []models.SecretID{1, 2, 3}, Most: 1000}
	all["bulk edit previewed"] = &BulkPage{BasePage: b, Act: BulkEdit, Filter: filter, All: true, Most: 1000, Previewed: true, Rows: rows, Gone: 2, Digest: "abc", Form: NewForm(map[string]string{"new_owner": "Payments"})}
	all["bulk edit paged"] = &BulkPage{BasePage: b, Act: BulkEdit, All: true, Previewed: true, Rows: slices.Concat(slices.Repeat(rows[:1], 90), slices.Repeat(rows[2:], 50)), From: 80, Digest: "abc", Form: NewForm(map[string]string{"new_owner": "Payments"})}
	all["bulk edit refused"] = &BulkPage{BasePage: b, Act: BulkEdit, IDs: []models.SecretID{1}, Form: failedForm(map[string]string{"new_owner": "x", "clear_owner": "true"}, fault.Field{Name: "new_owner", Message: "must be empty where the owner is to be taken away"})}
	all["bulk tag same"] = &BulkPage{BasePage: b, Act: BulkTag, IDs: []models.SecretID{3}, Previewed: true, Rows: rows[2:3]}
	all["bulk too many"] = &BulkPage{BasePage: b, Act: BulkDelete, All: true, TooMany: true, Most: 1000}
	gone := []BulkRow{row(1, "payments/stripe/api-key", production, BulkChange{"copies", "", "Deleted, with its copies at aws-main, vault-main"})}
	all["bulk delete"] = &BulkPage{BasePage: b, Act: BulkDelete, IDs: []models.SecretID{1}, Previewed: true, Rows: gone, PurgeAfter: ago(-30 * sampleDay), Confirmation: Confirmation{Name: BulkPhrase(1)}}
	all["bulk sync"] = &BulkPage{BasePage: b, Act: BulkSync, IDs: []models.SecretID{1}, Previewed: true, Rows: []BulkRow{row(1, "a", production, BulkChange{"copies", "", "Compared at aws-main"})}}
	all["bulk undelete"] = &BulkPage{BasePage: b, Act: BulkUndelete, IDs: []models.SecretID{1}, Previewed: true, Rows: []BulkRow{row(1, "a", production, BulkChange{"copies", "", "Back"})}}
}
