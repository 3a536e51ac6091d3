// The peer: PocketBase with the same collection of items, its API rules open.
package main

import (
	"log"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

func addItems(app core.App) error {
	if _, err := app.FindCollectionByNameOrId("items"); err == nil {
		return nil
	}
	items := core.NewBaseCollection("items")
	open := types.Pointer("")
	items.ListRule, items.ViewRule, items.CreateRule = open, open, open
	items.Fields.Add(
		&core.TextField{Name: "name", Required: true, Max: 500},
		&core.TextField{Name: "description", Max: 10000},
		&core.AutodateField{Name: "created", OnCreate: true},
		&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true},
	)
	items.AddIndex("idx_items_created", false, "created", "")
	return app.Save(items)
}

func main() {
	app := pocketbase.New()
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := addItems(e.App); err != nil {
			return err
		}
		return e.Next()
	})
	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}
