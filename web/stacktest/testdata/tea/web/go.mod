module tea.example/web

go 1.26
