"""The leaderboard: records of finished runs, rows reported by papers, and the pages built of them."""
