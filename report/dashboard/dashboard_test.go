package dashboard_test

import (
	"flag"
	"testing"

	"github.com/alwrity/alwrity-sub/report/dashboard"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/samples"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRevenue(t *testing.T) {
	none := samples.RevenueOf(nil)
	one := samples.Revenue()
	one.Months = samples.MonthsOf("", "", "", "303.1")
	loss := samples.Revenue()
	loss.Months = samples.MonthsOf("-12", "0", "0.04", "-3")
	for name, p := range map[string]page.Page{
		"page-revenue":      dashboard.Revenue(samples.Revenue(), `Words & "Co" <b>`, 10),
		"page-revenue-none": dashboard.Revenue(none, "", 10),
		"page-revenue-one":  dashboard.Revenue(one, "", 2),
		"page-revenue-loss": dashboard.Revenue(loss, "", 10),
		"page-revenue-many": dashboard.Revenue(samples.ManyUsers(3000), "Alwrity", 10),
	} {
		t.Run(name, func(t *testing.T) { samples.CheckPage(t, *update, name, p) })
	}
}
