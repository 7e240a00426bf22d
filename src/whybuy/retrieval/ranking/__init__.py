"""Learning to rank: the candidates of all rankers, described by features and put in one order by LambdaMART."""
