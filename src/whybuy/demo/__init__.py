"""The demo shop: a written world and a shopper simulator that emits the same files a real shop has."""
