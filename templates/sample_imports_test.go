package templates

import (
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

func sampleImport(status models.ImportStatus, purpose models.ImportPurpose) models.Import {
	i := models.Import{
		ID: "imp_4d2f", DestinationID: awsMain.ID, EnvironmentID: 1, Purpose: purpose, Prefix: "legacy/", Status: status,
		CreatedAt: ago(10 * time.Minute), CreatedBy: "Maria Okafor",
		Counts: models.ImportCounts{Listed: 10_404, Marked: 9_000, New: 1_280, Equal: 60, Different: 4, LeftOut: 2, Problems: 3, Left: 1_344},
	}
	if status != models.ImportPreview {
		i.DecidedAt, i.DecidedBy, i.Adopt, i.Side = agoP(time.Minute), "Jonas Weber", true, models.SideRemote
		i.Counts.Imported, i.Counts.Updated, i.Counts.Skipped, i.Counts.Failed, i.Counts.Adopted, i.Counts.Left = 400, 2, 7, 1, 380, 900
	}
	if status == models.ImportApplied {
		i.Counts.Imported, i.Counts.Left = 1_270, 0
	}
	return i
}

func sampleImportItems() []models.ImportItem {
	item := func(n int, remote, name string, kind models.SecretType, status models.ImportItemStatus) models.ImportItem {
		return models.ImportItem{ImportID: "imp_4d2f", Number: n, RemoteName: remote, RemoteVersion: "9f1c", SecretName: name, Type: kind, Size: 48, Status: status, Adoptable: true}
	}
	items := []models.ImportItem{
		item(1, "legacy/billing/db.password", "billing/db.password", models.Password, models.ItemNew),
		item(2, "legacy/billing/config", "billing/config", models.JSON, models.ItemNew),
		item(3, "legacy/mail server/smtp", "mail-server/smtp", models.Text, models.ItemNew),
		item(4, "legacy/payments/stripe/api-key", "payments/stripe/api-key", models.APIKey, models.ItemEqual),
		item(5, "legacy/payments/db/password", "payments/db/password", models.Password, models.ItemDifferent),
		item(6, "legacy/blob", "", "", models.ItemProblem),
		item(7, "legacy/old", "", models.Text, models.ItemLeftOut),
		item(8, "legacy/deploy", "deploy/user", models.Text, models.ItemNew),
	}
	items[1].Facts.Keys, items[1].Adoptable, items[1].Note = []string{"host", "password", "user"}, false, "It can be imported and not adopted: Keeper has another name for the secret at the destination."
	items[2].Mended = true
	items[3].SecretID, items[4].SecretID, items[3].Version, items[4].Version = 1, 3, 4, 4
	items[5].Problem, items[5].Hint, items[5].Size = "The value is binary.", "Leave it out, or store it as text there.", 70_112
	items[7].Key = "user"
	return items
}

func importHead(i models.Import) ImportHead {
	return ImportHead{Import: i, Destination: awsMain, Environment: production, MayApply: true}
}

func importRows(choosable bool) []ImportRow {
	var rows []ImportRow
	for _, item := range sampleImportItems() {
		open := choosable && item.Status != models.ItemProblem && item.Status != models.ItemLeftOut
		rows = append(rows, ImportRow{Item: item, Name: item.SecretName, Open: open, Chosen: item.Number != 2})
	}
	return rows
}

func endedRows() []ImportRow {
	rows := importRows(false)
	rows[0].Item.Result, rows[0].Item.SecretID, rows[0].Item.Adopted = models.ResultImported, 12, true
	rows[1].Item.Result, rows[1].Item.Why = models.ResultSkipped, "It was not chosen."
	rows[2].Item.Result, rows[2].Item.Why, rows[2].Item.Hint = models.ResultFailed, "AWS refused the read.", "Allow secretsmanager:GetSecretValue for legacy/*, and make a new preview."
	rows[3].Item.Result = models.ResultUnchanged
	rows[4].Item.Result = models.ResultUpdated
	return rows
}

func sampleImportPages(b BasePage, all map[string]Page) {
	view := sampleViews()[0]
	preview, adoption := importHead(sampleImport(models.ImportPreview, models.PurposeImport)), importHead(sampleImport(models.ImportPreview, models.PurposeAdopt))
	applying, applied := importHead(sampleImport(models.ImportApplying, models.PurposeImport)), importHead(sampleImport(models.ImportApplied, models.PurposeImport))
	all["imports"] = &ImportListPage{BasePage: b, View: view, Imports: []models.Import{preview.Import, adoption.Import, applying.Import, applied.Import}, Pager: Pager{Next: "c", Total: -1}}
	all["imports empty"] = &ImportListPage{BasePage: b, View: view}
	all["import new"] = &ImportNewPage{BasePage: b, Environment: production, Destination: awsMain, Purpose: models.PurposeImport, Form: NewForm(map[string]string{"prefix": "keeper/"}), Beyond: true}
	refused := &ImportNewPage{BasePage: b, Environment: production, Destination: awsMain, Purpose: models.PurposeImport}
	refused.Form.Fail(fault.InvalidField("names", "is not taken: Line 3 of the name map is not two columns."))
	all["import new refused"] = refused
	all["adoption new"] = &ImportNewPage{BasePage: b, Environment: production, Destination: awsMain, Purpose: models.PurposeAdopt}
	all["import preview"] = &ImportPage{BasePage: b, ImportHead: preview, Rows: importRows(true), Shown: "1-5,8", Chosen: 1343, Cursor: "3", Filter: ImportFilter{Not: "2"}, Pager: Pager{Next: "8", Total: -1}}
	failed := &ImportPage{BasePage: b, ImportHead: preview, Rows: importRows(true)}
	failed.Form.Fail(fault.New(fault.Unavailable, "AWS does not answer; nothing was saved.").WithHint("Try again."))
	all["import preview refused"] = failed
	lent := preview
	lent.MayApply = false
	all["import preview, not theirs"] = &ImportPage{BasePage: b, ImportHead: lent, Rows: importRows(false)}
	all["import preview filtered empty"] = &ImportPage{BasePage: b, ImportHead: preview, Filter: ImportFilter{Query: "x"}}
	nothing := importHead(models.Import{ID: "imp_0", DestinationID: awsMain.ID, Purpose: models.PurposeAdopt, Status: models.ImportPreview, CreatedAt: ago(time.Minute)})
	all["adoption of nothing"] = &ImportPage{BasePage: b, ImportHead: nothing}
	all["adoption preview"] = &ImportPage{BasePage: b, ImportHead: adoption, Rows: importRows(true), Chosen: 64}
	all["import applying"] = &ImportPage{BasePage: b, ImportHead: applying, Rows: endedRows(), GoesOn: true}
	all["import waiting"] = &ImportPage{BasePage: b, ImportHead: applying, Rows: endedRows()}
	all["import applied"] = &ImportPage{BasePage: b, ImportHead: applied, Rows: endedRows(), Filter: ImportFilter{Result: models.ResultFailed}, Pager: Pager{Next: "8", Total: -1}}
	all["import applied empty"] = &ImportPage{BasePage: b, ImportHead: applied, Filter: ImportFilter{Result: models.ResultFailed}}
	all["import apply"] = &ImportApplyPage{BasePage: b, ImportHead: preview, Choice: ImportTally{New: 8, Equal: 2, Different: 1, Adoptable: 9}, Not: "2", Confirmation: Confirmation{Name: "aws-main"}}
	wrong := &ImportApplyPage{BasePage: b, ImportHead: adoption, Choice: ImportTally{Equal: 2, Different: 1, Adoptable: 3}, Confirmation: Confirmation{Name: "aws-main"}}
	wrong.Confirmation.Form.Values = map[string]string{"side": "keeper", "confirm": "aws"}
	wrong.Confirmation.Form.Fail(fault.InvalidField("confirm", "must be exactly aws-main"))
	all["adoption apply refused"] = wrong
	head := HoldHead{Secret: sampleSecret(3, "payments/db/password", models.Password, time.Hour), Environment: production, Destination: awsMain}
	all["release"] = &ReleasePage{BasePage: b, HoldHead: head, Copy: sampleState(3, models.StatusInSync, time.Hour)}
	busy := &ReleasePage{BasePage: b, HoldHead: head, Copy: sampleState(3, models.StatusInSync, time.Hour)}
	busy.Form.Fail(fault.New(fault.Conflict, "A pass over aws-main is under way; nothing was released.").WithHint("Try again when it has ended."))
	all["release refused"] = busy
}
