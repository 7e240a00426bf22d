"""What the web applications share: sockets, safe headers, problems, templates, forms and the look of the pages."""
