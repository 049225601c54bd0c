package migrations

// dailyFigure has no foreign keys: what happened outlives whom it happened to.
type dailyFigure struct {
	EnvironmentID int64 `gorm:"primaryKey;autoIncrement:false"`
	Day           name  `gorm:"primaryKey;size:10;index:daily_figures_day"`
	Metric        name  `gorm:"primaryKey;size:40"`
	DestinationID name  `gorm:"primaryKey;size:40"`
	N             int64 `gorm:"not null"`
}

func (dailyFigure) TableName() string { return "daily_figures" }
