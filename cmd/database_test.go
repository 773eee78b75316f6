package cmd

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

func TestOpenNeverCreates(t *testing.T) {
	for name, open := range map[string]func(context.Context, *commands.Env) (*commands.Services, error){
		"open":    func(ctx context.Context, env *commands.Env) (*commands.Services, error) { return env.Open(ctx) },
		"inspect": func(ctx context.Context, env *commands.Env) (*commands.Services, error) { return env.Inspect(ctx) },
	} {
		p := testProcess(t, "work")
		got := do(t, p, func(ctx context.Context, env *commands.Env) error {
			d, err := open(ctx, env)
			if d != nil {
				t.Errorf("%s: returns a database", name)
			}
			return err
		})
		if got.status != 6 {
			t.Errorf("%s: %+v", name, got)
		}
		mustContain(t, got.err, "hint: ", "alwrity-sub init")
		if files, _ := os.ReadDir(p.Dir); len(files) != 0 {
			t.Errorf("%s: leaves %v", name, files)
		}
	}
}

// Relative paths count from the process's directory.
func TestCreateThenOpen(t *testing.T) {
	p := testProcess(t, "work", "--database-url", "sqlite:///./sub/x.db")
	if err := os.Mkdir(filepath.Join(p.Dir, "sub"), 0o750); err != nil {
		t.Fatal(err)
	}
	got := do(t, p, func(ctx context.Context, env *commands.Env) error {
		d, before, after, err := env.Create(ctx, false)
		if err != nil {
			return err
		}
		if before != 0 || after == 0 {
			t.Errorf("schema %d, then %d", before, after)
		}
		if err := d.Close(); err != nil {
			return err
		}
		if d, err = env.Open(ctx); err != nil {
			return err
		}
		return d.Close()
	})
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(p.Dir, "sub", "x.db")); err != nil {
		t.Error(err)
	}
}

func TestScratchIsRemoved(t *testing.T) {
	p := testProcess(t, "work")
	got := do(t, p, func(ctx context.Context, env *commands.Env) error {
		_, remove, err := env.Scratch(ctx)
		if err != nil {
			return err
		}
		return remove()
	})
	if got.status != 0 {
		t.Errorf("%+v", got)
	}
	if files, _ := os.ReadDir(p.Dir); len(files) != 0 {
		t.Errorf("leaves %v", files)
	}
}

func TestCreateFileOverwritesNothing(t *testing.T) {
	p := testProcess(t, "work")
	create := func(ctx context.Context, env *commands.Env) error {
		d, err := env.CreateFile(ctx, "demo.db")
		if err != nil {
			return err
		}
		return d.Close()
	}
	if got := do(t, p, create); got.status != 0 {
		t.Errorf("%+v", got)
	}
	if got := do(t, p, create); got.status != exitStatus(failure.Conflict) {
		t.Errorf("%+v", got)
	}
}

func TestMalformedURLStopsOnlyWhatOpens(t *testing.T) {
	p := testProcess(t, "work", "--database-url", "postgres:/u:geheim@h/d")
	if got := do(t, p, func(_ context.Context, env *commands.Env) error {
		if env.Settings.DatabaseURL != "(a URL that can't be read)" {
			t.Errorf("%s", env.Settings.DatabaseURL)
		}
		return nil
	}); got.status != 0 {
		t.Errorf("%+v", got)
	}
	got := do(t, p, func(ctx context.Context, env *commands.Env) error {
		_, err := env.Open(ctx)
		return err
	})
	if got.status != 2 {
		t.Errorf("%+v", got)
	}
}
